"""Languages beside Python and Node are collected where their tools are: no test is skipped."""

from tests.verify.more_languages import INSTALLED

collect_ignore = [] if INSTALLED else ["test_more_languages.py"]
