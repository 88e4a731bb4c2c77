package sharevm.machine;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HexFormat;
import java.util.Optional;
import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.event.GuestFault;

/**
 * What one needs to find out why a machine crashed: the processor's state and the bytes that it was
 * about to execute, enough to run that instruction again in a test.
 *
 * @param reason one line
 * @param processor its number
 * @param details several lines: registers, code
 * @param cause what our own code threw; empty if the guest crashed by itself
 */
public record CrashReport(String reason, int processor, String details, Optional<Throwable> cause) {
  private static final String[] GENERAL = {
    "RAX", "RCX", "RDX", "RBX", "RSP", "RBP", "RSI", "RDI",
    "R8", "R9", "R10", "R11", "R12", "R13", "R14", "R15"
  };
  private static final String[] SEGMENTS = {"ES", "CS", "SS", "DS", "FS", "GS"};
  private static final int CODE_BYTES = 16;
  private static final int PER_LINE = 4;

  /** Describes a processor that is in shutdown. */
  static CrashReport tripleFault(int number, Cpu cpu) {
    return new CrashReport("triple fault", number, describe(cpu), Optional.empty());
  }

  /** Describes a bug that was met while a processor ran, or in a device. */
  static CrashReport bug(int number, Cpu cpu, Throwable thrown) {
    StringWriter trace = new StringWriter();
    thrown.printStackTrace(new PrintWriter(trace));
    return new CrashReport(
        "internal error: " + thrown, number, describe(cpu) + trace, Optional.of(thrown));
  }

  /** Writes registers and the code at RIP; never throws. */
  static String describe(Cpu cpu) {
    CpuState s = cpu.state;
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < GENERAL.length; i++) {
      text.append("%-3s=%016x".formatted(GENERAL[i], s.gpr[i]));
      text.append(i % PER_LINE == PER_LINE - 1 ? '\n' : ' ');
    }
    text.append(
        "RIP=%016x RFLAGS=%08x CPL=%d code size %d%s%n"
            .formatted(s.rip, s.rflags(), s.cpl, s.codeSize, s.halted ? " halted" : ""));
    for (int i = 0; i < SEGMENTS.length; i++) {
      text.append(
          "%s=%04x %016x %08x %04x%n"
              .formatted(
                  SEGMENTS[i],
                  s.selector[i],
                  s.segmentBase[i],
                  s.segmentLimit[i],
                  s.segmentAttributes[i]));
    }
    text.append(
        "CR0=%08x CR2=%016x CR3=%016x CR4=%08x EFER=%04x%n"
            .formatted(s.cr0, s.cr2, s.cr3, s.cr4, s.efer));
    text.append(
        "GDT=%016x %04x IDT=%016x %04x TR=%04x%n"
            .formatted(s.gdtBase, s.gdtLimit, s.idtBase, s.idtLimit, s.selector[CpuState.TR]));
    return text.append("code: ").append(code(cpu)).append('\n').toString();
  }

  private static String code(Cpu cpu) {
    CpuState s = cpu.state;
    try {
      long linear = s.segmentBase[CpuState.CS] + s.rip & s.linearMask;
      long place = cpu.memory.fetch(linear);
      MemorySegment ram = cpu.bus.ram();
      if (place < 0 || place >= ram.byteSize()) {
        return "not in memory";
      }
      long length = Math.min(CODE_BYTES, 4096 - (place & 4095));
      return HexFormat.ofDelimiter(" ")
          .formatHex(ram.asSlice(place, length).toArray(ValueLayout.JAVA_BYTE));
    } catch (GuestFault e) {
      return "not mapped";
    } catch (RuntimeException e) {
      return "not to be had: " + e;
    }
  }
}
