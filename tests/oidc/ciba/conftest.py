"""The provider's front channel for the tests beside."""

from tests.oidc.front import front as front
from tests.oidc.front import key_directory as key_directory
