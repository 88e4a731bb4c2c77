package sharevm.lab.processor;

import java.util.HexFormat;
import java.util.List;
import java.util.TreeSet;
import sharevm.cpu.decode.Decoder;
import sharevm.cpu.opcode.Opcode;
import sharevm.cpu.opcode.Opcode.Attribute;
import sharevm.cpu.opcode.OpcodeTable;
import sharevm.cpu.text.Disassembler;

/** Says all that is needed to understand one difference, in one text. */
final class FailureReport {
  private final StringBuilder text = new StringBuilder();
  private final Opcode row;
  private final CpuCase input;
  private final CpuOutcome host;
  private final CpuOutcome ours;
  private final List<String> differences;

  private FailureReport(
      Opcode row, CpuCase input, CpuOutcome host, CpuOutcome ours, List<String> differences) {
    this.row = row;
    this.input = input;
    this.host = host;
    this.ours = ours;
    this.differences = differences;
  }

  /** Returns the report of a case in which the host and the interpreter differ. */
  static String of(
      Opcode row, CpuCase input, CpuOutcome host, CpuOutcome ours, List<String> differences) {
    FailureReport report = new FailureReport(row, input, host, ours, differences);
    report.head();
    report.state();
    report.memory();
    return report.text.toString();
  }

  private void head() {
    line("row          %s", row.text());
    line("again        %s", input.origin());
    line("bytes        %s (%s)", HexFormat.ofDelimiter(" ").formatHex(input.code()), input.mode());
    line("ours         %s", disassembled());
    if (Objdump.available()) {
      line("objdump      %s", Objdump.disassemble(input.code(), input.mode()).getFirst().text());
    }
    line("differences  %s", String.join(" ", differences));
    line("%-8s %-25s %-25s %-25s", "", "before", "host", "interpreter");
    row("vector", "", vector(host), vector(ours));
    row("error", "", hex(host.errorCode()), hex(ours.errorCode()));
    row("CR2", "", hex(host.cr2()), hex(ours.cr2()));
  }

  private String disassembled() {
    Decoder decoder = new Decoder(OpcodeTable.load(), _ -> null);
    byte[] code = input.code();
    Decoder.Outcome outcome = decoder.decode(code, 0, code.length, input.mode().bits / 8, 0);
    return outcome == Decoder.Outcome.DECODED
        ? Disassembler.text(decoder.instruction(), input.state().rip)
        : outcome.toString();
  }

  private static String vector(CpuOutcome outcome) {
    return outcome.vector() == CpuOutcome.COMPLETED ? "completed" : "#" + outcome.vector();
  }

  private void state() {
    ProcessorState s = input.state();
    ProcessorState a = host.state();
    ProcessorState b = ours.state();
    row("RIP", hex(s.rip), hex(a.rip), hex(b.rip));
    row("RFLAGS", flags(s.rflags), flags(a.rflags), flags(b.rflags));
    for (int n = 0; n < input.mode().registers(); n++) {
      row(Comparison.REGISTERS[n], hex(s.gpr[n]), hex(a.gpr[n]), hex(b.gpr[n]));
    }
    for (int n = 0; n < 6; n++) {
      row(Comparison.SEGMENTS[n], hex(s.selectors[n]), hex(a.selectors[n]), hex(b.selectors[n]));
    }
    row("FSBASE", hex(s.fsBase), hex(a.fsBase), hex(b.fsBase));
    row("GSBASE", hex(s.gsBase), hex(a.gsBase), hex(b.gsBase));
    fx("FCW", ProcessorState.FX_FCW, 2);
    fx("FSW", ProcessorState.FX_FSW, 2);
    fx("FTW", ProcessorState.FX_FTW, 1);
    fx("MXCSR", ProcessorState.FX_MXCSR, 4);
    for (int n = 0; n < 8; n++) {
      fx("ST" + n, ProcessorState.FX_ST + 16 * n, 10);
    }
    for (int n = 0; n < input.mode().registers(); n++) {
      fx("XMM" + n, ProcessorState.FX_XMM + 16 * n, 16);
    }
  }

  private void memory() {
    byte[] before = input.image();
    for (CpuCase.Patch patch : input.patches()) {
      line(
          "memory   %x: %s",
          HostLayout.addressOf(patch.offset()),
          HexFormat.ofDelimiter(" ").formatHex(patch.bytes()));
    }
    TreeSet<Integer> offsets = new TreeSet<>(host.memory().keySet());
    offsets.addAll(ours.memory().keySet());
    int shown = 0;
    for (int offset : offsets) {
      byte a = host.memory().getOrDefault(offset, before[offset]);
      byte b = ours.memory().getOrDefault(offset, before[offset]);
      if (shown < 64 || a != b) {
        row(
            "[%x]".formatted(HostLayout.addressOf(offset)),
            hex(before[offset] & 0xff),
            hex(a & 0xff),
            hex(b & 0xff));
        shown++;
      }
      if (shown > 200) {
        line("...");
        break;
      }
    }
  }

  private void fx(String name, int offset, int size) {
    row(
        name,
        number(input.state(), offset, size),
        number(host.state(), offset, size),
        number(ours.state(), offset, size));
  }

  private static String number(ProcessorState state, int offset, int size) {
    return size <= 8
        ? hex(state.fx(offset, size))
        : hex(state.fx(offset + 8, size - 8)) + "_%016x".formatted(state.fx(offset, 8));
  }

  private static String flags(long flags) {
    StringBuilder names = new StringBuilder();
    for (int bit = Comparison.FLAGS.length - 1; bit >= 0; bit--) {
      if (Comparison.FLAGS[bit] != null && (flags >> bit & 1) != 0) {
        names.append(Comparison.FLAGS[bit].charAt(0)).append(Comparison.FLAGS[bit].charAt(1));
        names.append(' ');
      }
    }
    return names.isEmpty() ? "-" : names.toString().strip();
  }

  private static String hex(long value) {
    return Long.toHexString(value);
  }

  private void row(String name, String before, String a, String b) {
    boolean differs = !a.equals(b);
    if (differs || !a.equals(before) || alwaysTold(name)) {
      line("%-8s %-25s %-25s %-25s%s", name, before, a, b, differs ? "*" : "");
    }
  }

  /**
   * Registers that the instruction may have read: all general ones, others of rows that use them.
   */
  private boolean alwaysTold(String name) {
    if (name.startsWith("XMM") || name.equals("MXCSR")) {
      return row.is(Attribute.SSE);
    }
    if (name.startsWith("ST") || name.startsWith("F")) {
      return row.is(Attribute.X87) || row.is(Attribute.MMX);
    }
    return name.startsWith("R");
  }

  private void line(String format, Object... arguments) {
    text.append(format.formatted(arguments).stripTrailing()).append('\n');
  }
}
