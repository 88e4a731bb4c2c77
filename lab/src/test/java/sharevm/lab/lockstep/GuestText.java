package sharevm.lab.lockstep;

import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import sharevm.cpu.decode.Decoder;
import sharevm.cpu.opcode.OpcodeTable;
import sharevm.cpu.text.Disassembler;

/** Guest code as text. */
final class GuestText {
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
    Decoder decoder = new Decoder(TABLE, _ -> null);
    Decoder.Outcome outcome = decoder.decode(bytes, 0, bytes.length, machine.mode.bits / 8, 0);
    return outcome == Decoder.Outcome.DECODED ? decoder.instruction().length : 0;
  }

  /** Returns a program as lines. */
  static List<String> of(Program program) {
    List<String> lines = new ArrayList<>();
    byte[] code = program.code();
    Decoder decoder = new Decoder(TABLE, _ -> null);
    int at = (int) (program.entry() - GuestLayout.CODE);
    while (at < code.length) {
      int end = Math.min(code.length, at + Decoder.MAX_LENGTH);
      Decoder.Outcome outcome = decoder.decode(code, at, end, program.mode().bits / 8, 0);
      boolean decoded = outcome == Decoder.Outcome.DECODED;
      long address = GuestLayout.CODE + at;
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
