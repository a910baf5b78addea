"""Answers for the stand-ins of system tools: each call is recorded, can be made to fail, and is judged afterwards."""
import contextlib
import os
import shutil
import socket
import threading

from daemon import BUILD


class Tool:
    """One stand-in: DIRECTORY/NAME, and the socket that it asks. `answer(argv, stdin)` gives code, out, err."""

    def __init__(self, directory, name, answer):
        self.path, self.answer = os.path.join(directory, name), answer
        shutil.copy2(os.path.join(BUILD, "test", "standin"), self.path)
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path + ".sock")
        self.listener.bind(self.path + ".sock")
        self.listener.listen(64)
        self.open, self.thread = True, threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def listen(self):
        while self.open:
            connection, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection, contextlib.suppress(OSError):
            asked = b""
            while chunk := connection.recv(65536):
                asked += chunk
            if not asked:
                return
            code, out, err = self.answer(*self.split(asked))
            if code is None:  # it hangs: until it is killed
                while connection.recv(1):
                    pass
                threading.Event().wait(10)
                return
            out, err = out.encode(), err.encode()
            connection.sendall(f"{code} {len(out)} {len(err)}\n".encode() + out + err)

    @staticmethod
    def split(asked):
        """Arguments end with an empty one; then comes standard input."""
        argv = []
        while asked:
            word, _, asked = asked.partition(b"\0")
            if not word:
                break
            argv.append(word.decode())
        return argv, asked.decode()

    def close(self):
        """Not before its thread has ended: another socket may soon have the number of a closed one."""
        self.open = False
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as wake:
            wake.connect(self.path + ".sock")
            wake.shutdown(socket.SHUT_WR)
            self.thread.join(10)
        self.listener.close()
