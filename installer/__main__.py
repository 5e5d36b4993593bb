"""`python -P -m installer`: the same as `leashctl`."""

from installer.main import main

main()
