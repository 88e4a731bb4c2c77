package sharevm.cpu.text;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The disassembler of GNU binutils, asked for many instructions at once. */
final class Objdump {
  /** Distance of instructions in the file that is disassembled; the rest is filled with NOP. */
  static final int STRIDE = 32;

  private static final Pattern LINE = Pattern.compile("^ *([0-9a-f]+):\\s+(.*?)\\s*$");

  private Objdump() {}

  /** Returns whether this host has it. */
  static boolean isPresent() {
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

  /**
   * Returns the texts of instructions that lie {@link #STRIDE} bytes apart, the first at address 0.
   */
  static Map<Integer, String> texts(List<byte[]> instructions, int codeSize) {
    byte[] image = new byte[instructions.size() * STRIDE];
    java.util.Arrays.fill(image, (byte) 0x90);
    for (int n = 0; n < instructions.size(); n++) {
      byte[] bytes = instructions.get(n);
      System.arraycopy(bytes, 0, image, n * STRIDE, bytes.length);
    }
    String machine = codeSize == 8 ? "i386:x86-64" : codeSize == 4 ? "i386" : "i8086";
    try {
      Path file = Files.createTempFile("disassembler", ".bin");
      Files.write(file, image);
      Process process =
          new ProcessBuilder(
                  "objdump",
                  "-D",
                  "-b",
                  "binary",
                  "-m",
                  machine,
                  "-M",
                  "intel",
                  "--no-show-raw-insn",
                  file.toString())
              .redirectErrorStream(true)
              .start();
      String output =
          new String(process.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
      Files.delete(file);
      return parse(output);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Map<Integer, String> parse(String output) {
    Map<Integer, String> texts = new HashMap<>();
    for (String line : output.lines().toList()) {
      Matcher matcher = LINE.matcher(line);
      if (matcher.matches()) {
        texts.put(Integer.parseInt(matcher.group(1), 16), matcher.group(2));
      }
    }
    return texts;
  }
}
