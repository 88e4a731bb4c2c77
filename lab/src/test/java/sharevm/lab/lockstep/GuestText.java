package sharevm.lab.lockstep;

import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import sharevm.cpu.decode.Decoder;
import sharevm.cpu.opcode.OpcodeTable;
import sharevm.cpu.text.Disassembler;

/** Guest code as text. */
public final class GuestText {
  private static final OpcodeTable TABLE = OpcodeTable.load();

  private GuestText() {}

  /** Returns the length of the instruction at an address, or 0 when there is none. */
  static int lengthAt(LockstepMachine machine, long linear) {
    long end = GuestLayout.CODE + 4096L * GuestLayout.CODE_PAGES;
    if (linear < GuestLayout.CODE || linear >= end) {
      return 0;
    }
    byte[] bytes = new byte[(int) Math.min(Decoder.MAX_LENGTH, end - linear)];
    for (int n = 0; n < bytes.length; n++) {
      bytes[n] = machine.ram().get(ValueLayout.JAVA_BYTE, machine.place(linear + n));
    }
    return length(bytes, machine.mode.bits / 8);
  }

  /** Returns the length of the instruction that bytes begin with, or 0 when there is none. */
  public static int length(byte[] bytes, int codeSize) {
    Decoder decoder = new Decoder(TABLE, _ -> null);
    Decoder.Outcome outcome = decoder.decode(bytes, 0, bytes.length, codeSize, 0);
    return outcome == Decoder.Outcome.DECODED ? decoder.instruction().length : 0;
  }

  /** Returns a program as lines. */
  static List<String> of(Program program) {
    byte[] code = program.code();
    int from = (int) (program.entry() - GuestLayout.CODE);
    return lines(code, from, code.length, program.mode().bits / 8, GuestLayout.CODE);
  }

  /**
   * Returns code as lines.
   *
   * @param codeSize its default size in bytes
   * @param start the address of the first byte of {@code code}
   */
  public static List<String> lines(byte[] code, int from, int to, int codeSize, long start) {
    List<String> lines = new ArrayList<>();
    Decoder decoder = new Decoder(TABLE, _ -> null);
    int at = from;
    while (at < to) {
      int end = Math.min(to, at + Decoder.MAX_LENGTH);
      Decoder.Outcome outcome = decoder.decode(code, at, end, codeSize, 0);
      boolean decoded = outcome == Decoder.Outcome.DECODED;
      long address = start + at;
      String text =
          decoded
              ? Disassembler.text(decoder.instruction(), address)
              : "db %02x".formatted(code[at]);
      lines.add("%x  %s".formatted(address, text));
      at += decoded ? decoder.instruction().length : 1;
    }
    return lines;
  }
}
