"""Many session servers, on one machine or many: who starts them, and which of them the next client is sent to."""
