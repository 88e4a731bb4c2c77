package sharevm.app;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import sharevm.library.VirtualMachine;

/** A few commands about the machine itself, typed line by line, while the guest goes on. */
final class Monitor {
  private static final String HELP =
      """
      back             go back to the guest's console; an empty line does too
      pause, resume    let the guest stand still, or go on
      reset            press the reset button
      info registers   show the processors' registers
      info status      show whether the guest runs
      info stats       show instructions and speed
      quit             switch the guest off
      """;

  private final VirtualMachine machine;
  private final InputStream input;
  private final Diagnostics diagnostics;

  Monitor(VirtualMachine machine, InputStream input, Diagnostics diagnostics) {
    this.machine = machine;
    this.input = input;
    this.diagnostics = diagnostics;
  }

  /** Reads and obeys lines until one leads back to the guest. */
  void run() throws IOException {
    diagnostics.text("\nmonitor: 'help' shows what it can do\n");
    boolean open = true;
    while (open) {
      diagnostics.text("(sharevm) ");
      open = obey(line());
    }
  }

  /** Obeys a line; returns whether the monitor stays open. */
  boolean obey(String line) {
    switch (line.strip().replaceAll("\\s+", " ")) {
      case "", "back", "b" -> {
        return false;
      }
      case "quit", "q" -> {
        machine.stop();
        return false;
      }
      case "help", "?" -> diagnostics.text(HELP);
      case "pause", "stop" -> machine.pause();
      case "resume", "cont", "c" -> machine.resume();
      case "reset" -> machine.reset();
      case "info registers" -> diagnostics.text(registers());
      case "info status" -> diagnostics.text(machine.state() + "\n");
      case "info stats" -> diagnostics.text(StatisticsText.of(machine.statistics()));
      default -> diagnostics.text("no such command; 'help' shows what there is\n");
    }
    return true;
  }

  /** Takes the registers of a machine that stands still, if only for the moment. */
  private String registers() {
    boolean runs = machine.state().equals("running");
    if (runs) {
      machine.pause();
    }
    try {
      return machine.registers();
    } finally {
      if (runs) {
        machine.resume();
      }
    }
  }

  /** Reads a line; the end of input is the line that goes back. */
  private String line() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (int value = input.read(); value >= 0 && value != '\n'; value = input.read()) {
      bytes.write(value);
    }
    return bytes.toString(StandardCharsets.UTF_8);
  }
}
