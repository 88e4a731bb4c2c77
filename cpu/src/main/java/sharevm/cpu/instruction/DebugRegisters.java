package sharevm.cpu.instruction;

import sharevm.cpu.Control;
import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.event.Events;
import sharevm.cpu.event.GuestFault;
import sharevm.cpu.opcode.OperandType.Kind;

/** MOV to and from debug registers (Intel SDM Vol. 3B 17.2). */
final class DebugRegisters {
  private static final long DR7_GD = 1 << 13;
  private static final long DR6_FIXED = 0xffff_0ff0L;
  private static final long DR6_WRITABLE = 0xe00f;
  private static final long DR7_FIXED = 1 << 10;
  private static final long DR7_WRITABLE = 0xffff_23ffL;

  private DebugRegisters() {}

  static void bind(Semantics s) {
    s.choose(
        "MOV",
        Kind.DEBUG,
        i -> i.opcode.code() == 0x23 ? DebugRegisters::write : DebugRegisters::read);
  }

  /**
   * DR4 and DR5 are other names of DR6 and DR7 unless CR4.DE is set; with DR7.GD any access traps.
   */
  private static int number(Cpu cpu, int operand) {
    CpuState s = cpu.state;
    boolean alias = operand == 4 || operand == 5;
    if (alias && (s.cr4 & Control.CR4_DE) != 0) {
      throw GuestFault.undefined();
    }
    if (s.cpl != 0) {
      throw GuestFault.generalProtection();
    }
    if ((s.dr[7] & DR7_GD) != 0) {
      s.dr[6] |= Events.DR6_BD;
      throw GuestFault.of(GuestFault.DB);
    }
    return alias ? operand + 2 : operand;
  }

  private static void read(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    long value = s.dr[number(cpu, i.source)];
    s.r(i.destination, i.codeSize == 8 ? 8 : 4, value);
  }

  private static void write(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    int number = number(cpu, i.destination);
    long value = s.r(i.source, i.codeSize == 8 ? 8 : 4);
    if (number >= 6) {
      if (value >>> 32 != 0) {
        throw GuestFault.generalProtection();
      }
      s.dr[number] =
          number == 6 ? value & DR6_WRITABLE | DR6_FIXED : value & DR7_WRITABLE | DR7_FIXED;
    } else {
      s.dr[number] = value;
    }
    if (number != 6) {
      cpu.memory.flush();
    }
  }
}
