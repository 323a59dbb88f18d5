"""`speechlstm doctor`."""

import click

from speechlstm.cli.output import show
from speechlstm.cli.training import load_keras
from speechlstm.cli.verbs import verb


@verb()
@click.pass_context
def command(ctx: click.Context) -> None:
    """Print what is installed, what training computes on, and what is missing.

    It reports Python, packages, cores and devices, whether cuDNN and bfloat16 speed up training,
    and whether the default model is intact. The exit code is 1 if recognition does not work.

    \b
    Example:
      speechlstm doctor
    """
    from speechlstm.doctor import Finding, examine

    def show_finding(finding: Finding) -> bool:
        show(f"{finding.name:14}  {finding.text}")
        return finding.is_broken

    broken = [show_finding(finding) for finding in examine()]
    try:
        load_keras()
        from speechlstm.training.engine.devices import describe_devices

        training = describe_devices()
    except (ImportError, ValueError) as error:  # ValueError: a backend that Keras does not know
        training = {"training": f"not possible: {error}"}
    for name, text in training.items():
        show_finding(Finding(name, text))
    if any(broken):
        ctx.exit(1)
