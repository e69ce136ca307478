"""Who talks: the runtime of a process, the session of a user, devices, and a look at what is wired."""
