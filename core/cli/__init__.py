"""The command line, python -m core: one file a command.

    main       which command is meant; how a command ends, and with which exit code
    trace, explain, attend, why, models        the commands
    run        the arguments that name a run, and the run itself
    screen     what is printed: lines, tables, JSON, progress; nothing of it can steer a terminal

Each command has `parser(prog)` and `run(given)`, which returns its exit code.
docs/command-line.md shows them at work. Nothing is imported here, so that `models list` starts
quickly.
"""
