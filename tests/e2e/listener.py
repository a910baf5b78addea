"""A unix socket; each connection is served in a thread of its own."""
import contextlib
import os
import socket
import threading


class Listener:
    """Calls `serve(connection)` for each connection, and closes the connection afterwards. An error when it reads or
    writes is not a failure."""

    def __init__(self, path, serve):
        self.path, self.serve = str(path), serve
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)
        self.socket.bind(self.path)
        self.socket.listen(64)
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def listen(self):
        with contextlib.suppress(OSError):  # it was shut down
            while True:
                connection, _ = self.socket.accept()
                threading.Thread(target=self.answer, args=(connection,), daemon=True).start()

    def answer(self, connection):
        with connection, contextlib.suppress(OSError):
            self.serve(connection)

    def close(self):
        """Closes the socket only after its thread has ended. Otherwise the thread could accept the connections of a new
        socket that gets the same descriptor number."""
        with contextlib.suppress(OSError):  # it was closed before
            self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join(10)
        assert not self.thread.is_alive(), f"{self.path}: its thread still listens"
        self.socket.close()
