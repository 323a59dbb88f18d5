"""The command `speechlstm`, and `python -m speechlstm`."""


def run() -> None:
    """Run the command line. Ctrl-C while it is imported ends it as it does later."""
    try:
        from speechlstm.cli import main
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    main()


if __name__ == "__main__":
    run()
