"""Answers for the stand-ins of system tools: each call is recorded, can be made to fail, and is judged afterwards."""
import os
import shutil
import threading

from daemon import BUILD
from listener import Listener


class Tool:
    """One stand-in: DIRECTORY/NAME, and the socket that it asks. `answer(argv, stdin)` gives code, out, err."""

    def __init__(self, directory, name, answer):
        self.path, self.answer = os.path.join(directory, name), answer
        shutil.copy2(os.path.join(BUILD, "test", "standin"), self.path)
        self.listener = Listener(self.path + ".sock", self.serve)
        self.close = self.listener.close

    def serve(self, connection):
        asked = b""
        while chunk := connection.recv(65536):
            asked += chunk
        code, out, err = self.answer(*self.split(asked))
        if code is None:  # the tool hangs until it is killed
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
