package sharevm.translator;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import sharevm.cpu.decode.Decoder;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.opcode.OpcodeTable;
import sharevm.cpu.text.Disassembler;

/** One block of guest code and the host code made from it, for people and for tests. */
public final class Translation {
  private static final int GUEST_WIDTH = 60;
  private static final int HOST_MODE = 8;

  private final TranslatedBlock block;
  private final byte[] host;
  private final long address;
  private final int[] starts;
  private final int cold;

  /**
   * Makes one.
   *
   * @param address where the host executes it
   * @param starts for each guest instruction where its host code begins, or -1 if it has none
   * @param cold where the code begins that is seldom executed
   */
  Translation(TranslatedBlock block, byte[] host, long address, int[] starts, int cold) {
    this.block = block;
    this.host = host;
    this.address = address;
    this.starts = starts;
    this.cold = cold;
  }

  /** Returns the guest's address of the first instruction. */
  public long rip() {
    return block.rip;
  }

  /** Returns how many guest instructions it is of. */
  public int guestInstructions() {
    return block.code.length;
  }

  /** Returns how many host instructions are executed where nothing unusual happens. */
  public int hostInstructions() {
    return decode(0, cold).size();
  }

  /** Returns how many host instructions there are between the block's entry and its first one. */
  public int entryInstructions() {
    return decode(0, starts[0]).size();
  }

  /** Returns bytes of host code, seldom executed ones too. */
  public int hostBytes() {
    return host.length;
  }

  /** Returns guest and host code side by side, in lines. */
  public String listing() {
    StringBuilder text = new StringBuilder();
    text.append(
        String.format(
            Locale.ROOT,
            "block %x, mode key %x%s: %d instructions to %d and %d bytes at %x%n",
            block.rip,
            block.modeKey,
            block.plain ? ", each access by itself" : "",
            guestInstructions(),
            hostInstructions(),
            host.length,
            address));
    lines(text, "", 0, starts[0]);
    for (int n = 0; n < starts.length; n++) {
      long rip = block.rip(n);
      String guest = "%x  %s".formatted(rip, Disassembler.text(block.code[n], rip));
      lines(text, guest, starts[n], end(n));
    }
    lines(text, "seldom:", cold, host.length);
    return text.toString();
  }

  private int end(int n) {
    return n + 1 < starts.length && starts[n + 1] >= 0 ? starts[n + 1] : cold;
  }

  private void lines(StringBuilder text, String guest, int from, int to) {
    List<String> lines = from < 0 ? List.of() : decode(from, to);
    for (int n = 0; n < Math.max(lines.size(), guest.isEmpty() ? 0 : 1); n++) {
      String left = n == 0 ? guest : "";
      String right = n < lines.size() ? lines.get(n) : "";
      text.append(String.format("  %-" + GUEST_WIDTH + "s %s%n", left, right));
    }
  }

  private List<String> decode(int from, int to) {
    Decoder decoder = new Decoder(Table.OPCODES, _ -> null);
    List<String> lines = new ArrayList<>();
    for (int at = from; at < to; ) {
      boolean known = decoder.decode(host, at, to, HOST_MODE, 0) == Decoder.Outcome.DECODED;
      Instruction i = known ? decoder.instruction() : null;
      String text = known ? Disassembler.text(i, address + at) : "db %02x".formatted(host[at]);
      lines.add("%x  %s".formatted(address + at, text));
      at += known ? i.length : 1;
    }
    return lines;
  }

  /** Read only when somebody wants text. */
  private static final class Table {
    static final OpcodeTable OPCODES = OpcodeTable.load();
  }
}
