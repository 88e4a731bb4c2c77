package sharevm.lab.processor;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** GNU objdump as a disassembler of raw bytes. */
final class Objdump {
  /**
   * A line of its output.
   *
   * @param offset of the instruction's first byte
   * @param length in bytes
   * @param text mnemonic and operands
   */
  record Line(int offset, int length, String text) {}

  private Objdump() {}

  /** Returns whether this host has objdump. */
  static boolean available() {
    try {
      Process process = new ProcessBuilder("objdump", "--version").start();
      process.getInputStream().readAllBytes();
      return process.waitFor() == 0;
    } catch (IOException _) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /** Disassembles bytes from their first to their last. */
  static List<Line> disassemble(byte[] code, Mode mode) {
    try {
      Path file = Files.createTempFile("code", ".bin");
      try {
        Files.write(file, code);
        return run(file, mode);
      } finally {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("disassembling with objdump", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  private static List<Line> run(Path file, Mode mode) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(
                "objdump",
                "-D",
                "-z",
                "-w",
                "-b",
                "binary",
                mode == Mode.LONG ? "-mi386:x86-64" : "-mi386",
                "-Mintel,intel64",
                file.toString())
            .redirectErrorStream(true)
            .start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (process.waitFor() != 0) {
      throw new IOException("objdump: " + out);
    }
    List<Line> lines = new ArrayList<>();
    for (String line : out.lines().toList()) {
      String[] columns = line.split("\t", -1);
      if (columns.length < 2 || !columns[0].strip().endsWith(":")) {
        continue;
      }
      String offset = columns[0].strip();
      int bytes = columns[1].strip().split(" +").length;
      String text = columns.length > 2 ? columns[2].strip().replaceAll(" +", " ") : "(bad)";
      lines.add(new Line(Integer.parseInt(offset, 0, offset.length() - 1, 16), bytes, text));
    }
    return lines;
  }
}
