"""The tests can import the modules beside them, from whatever directory they are run."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
