"""The modules beside the tests are theirs to import, also from other directories."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
