// @ts-check
// The server's key: it comes once, behind the # of the printed address, and stays with this tab.

const NAME = 'sophia.key';

/**
 * The key of this tab, or null. One in the address is taken out of it, so that it is not shared with a link.
 * @param {{location: {hash: string, pathname: string, search: string}, history: {replaceState(data: null, unused: string, url: string): void}, sessionStorage: Storage}} browser
 */
export function takeKey(browser) {
  const { location, history } = browser;
  const given = new URLSearchParams(location.hash.slice(1)).get('key');
  if (given) history.replaceState(null, '', location.pathname + location.search);
  try {
    if (given) browser.sessionStorage.setItem(NAME, given);
    return given ?? browser.sessionStorage.getItem(NAME);
  } catch {
    return given;
  }
}
