// A server in the test's hands: what a page sees of a WebSocket, without a network.
export class FakeSocket extends EventTarget {
  static all = [];
  static refuse = false;
  bufferedAmount = 0;
  sent = [];
  closed = null;

  constructor(url, protocols) {
    super();
    if (FakeSocket.refuse) throw new SyntaxError('protocol');
    Object.assign(this, { url, protocols });
    FakeSocket.all.push(this);
  }
  static get last() { return FakeSocket.all.at(-1); }
  static begin() { [FakeSocket.all, FakeSocket.refuse] = [[], false]; }

  send(text) { this.sent.push(JSON.parse(text)); }
  close(code) { this.closed = code; }

  /** The server says something: an event, or any text. */
  says(event) {
    const message = Object.assign(new Event('message'), { data: typeof event === 'string' ? event : JSON.stringify(event) });
    this.onmessage?.(message);
    this.dispatchEvent(message);
  }
  greets({ extensions = ['sophia.playout', 'sophia.face'], ...session } = {}) {
    this.says({ type: 'session.created', session: {} });
    this.says({ type: 'session.updated', session: { extensions, sophia: { now_ms: 5000 }, ...session } });
  }
  drops(code = 1006, reason = '') { this.onclose?.({ code, reason }); }
  refuses(code, close, more = {}) {
    this.says({ type: 'error', error: { code, message: `because of ${code}` }, ...more });
    this.drops(close);
  }
  types() { return this.sent.map(event => event.type); }
}
