package sharevm.cpu.instruction;

import java.security.SecureRandom;
import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.Flags;
import sharevm.cpu.Operation;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.event.GuestFault;

/** MOV, MOVZX, MOVSX, XCHG, CMPXCHG, XADD, LEA and their kin (Intel SDM Vol. 1 5.1.1). */
final class DataTransfer {
  private static final Operation NOTHING = (c, i) -> {};

  private DataTransfer() {}

  static void bind(Semantics s) {
    s.choose("MOV", Move::bind);
    s.choose("MOVZX", Move::zeroExtending);
    s.choose("MOVSX", Move::signExtending);
    s.choose("MOVSXD", Move::signExtending);
    s.choose("XCHG", DataTransfer::xchg);
    s.put("CMPXCHG", DataTransfer::cmpxchg);
    s.put("XADD", DataTransfer::xadd);
    s.put("CMPXCHG8B", DataTransfer::cmpxchg8b);
    s.put("CMPXCHG16B", DataTransfer::cmpxchg16b);
    s.choose("LEA", i -> i.size == 8 ? DataTransfer::lea64 : DataTransfer::lea);
    s.put("XLATB", DataTransfer::xlatb);
    s.put("CBW", DataTransfer::cbw);
    s.put("CWD", DataTransfer::cwd);
    SecureRandom random = new SecureRandom();
    s.put("RDRAND", (c, i) -> rdrand(c, i, random.nextLong()));
  }

  /** XCHG of rAX with itself, opcode 90, is NOP: it does not clear the upper half of RAX. */
  private static Operation xchg(Instruction i) {
    if (i.destination == Instruction.MEMORY) {
      return DataTransfer::xchgMemory;
    }
    return i.opcode.code() == 0x90 && i.destination == CpuState.RAX
        ? NOTHING
        : DataTransfer::xchgRegisters;
  }

  private static void xchgRegisters(Cpu c, Instruction i) {
    CpuState s = c.state;
    long value = Operands.register(s, i.destination, i.size);
    Operands.register(s, i.destination, i.size, Operands.register(s, i.source, i.size));
    Operands.register(s, i.source, i.size, value);
  }

  /** XCHG with memory is locked, prefix or not. */
  private static void xchgMemory(Cpu c, Instruction i) {
    CpuState s = c.state;
    long wanted = Operands.register(s, i.source, i.size);
    long old;
    do {
      old = c.memory.loadForUpdate(i, i.size);
    } while (!c.memory.compareAndSet(i, i.size, old, wanted));
    Operands.register(s, i.source, i.size, old);
  }

  private static void cmpxchg(Cpu c, Instruction i) {
    CpuState s = c.state;
    int size = i.size;
    long expected = Operands.register(s, CpuState.RAX, size);
    long wanted = Operands.register(s, i.source, size);
    long old = i.destination == Instruction.MEMORY ? exchangeIf(c, i, expected, wanted) : 0;
    if (i.destination != Instruction.MEMORY) {
      old = Operands.register(s, i.destination, size);
      Operands.register(s, i.destination, size, old == expected ? wanted : old);
    }
    Arithmetic.sub(s, Arithmetic.shift(size), expected, old);
    if (old != expected) {
      Operands.register(s, CpuState.RAX, size, old);
    }
  }

  /**
   * Returns what memory held; it is written in any case, as the manual says, when the instruction
   * is not locked.
   */
  private static long exchangeIf(Cpu c, Instruction i, long expected, long wanted) {
    long old;
    if (i.lock) {
      do {
        old = c.memory.loadForUpdate(i, i.size);
      } while (old == expected && !c.memory.compareAndSet(i, i.size, old, wanted));
    } else {
      old = c.memory.loadForUpdate(i, i.size);
      c.memory.update(i.size, old == expected ? wanted : old);
    }
    return old;
  }

  private static void xadd(Cpu c, Instruction i) {
    CpuState s = c.state;
    int size = i.size;
    int shift = Arithmetic.shift(size);
    long addend = Operands.register(s, i.source, size);
    long old;
    if (i.destination != Instruction.MEMORY) {
      old = Operands.register(s, i.destination, size);
      Operands.register(s, i.source, size, old);
      Operands.register(s, i.destination, size, Arithmetic.add(s, shift, old, addend));
      return;
    }
    if (i.lock) {
      do {
        old = c.memory.loadForUpdate(i, size);
      } while (!c.memory.compareAndSet(i, size, old, old + addend));
    } else {
      old = c.memory.loadForUpdate(i, size);
      c.memory.update(size, old + addend);
    }
    Arithmetic.add(s, shift, old, addend);
    Operands.register(s, i.source, size, old);
  }

  private static void cmpxchg8b(Cpu c, Instruction i) {
    CpuState s = c.state;
    long expected = s.gpr[CpuState.RDX] << 32 | s.gpr[CpuState.RAX] & 0xffff_ffffL;
    long wanted = s.gpr[CpuState.RCX] << 32 | s.gpr[CpuState.RBX] & 0xffff_ffffL;
    long old;
    do {
      old = c.memory.loadForUpdate(i, 8);
    } while (old == expected && !c.memory.compareAndSet(i, 8, old, wanted));
    setZero(s, old == expected);
    if (old != expected) {
      s.r32(CpuState.RAX, (int) old);
      s.r32(CpuState.RDX, (int) (old >>> 32));
    }
  }

  private static void cmpxchg16b(Cpu c, Instruction i) {
    CpuState s = c.state;
    if ((c.memory.linear(i.segment, i.address(s), 16, true) & 15) != 0) {
      throw GuestFault.generalProtection();
    }
    boolean equal = c.memory.compareAndSet128(i, s);
    setZero(s, equal);
  }

  private static void setZero(CpuState s, boolean zero) {
    Flags.status(s, Flags.status(s) & ~Flags.ZF | (zero ? Flags.ZF : 0));
  }

  private static void lea(Cpu c, Instruction i) {
    c.state.r(i.destination, i.size, i.address(c.state));
  }

  private static void lea64(Cpu c, Instruction i) {
    CpuState s = c.state;
    s.gpr[i.destination] = i.address(s);
  }

  private static void xlatb(Cpu c, Instruction i) {
    CpuState s = c.state;
    long offset = s.gpr[CpuState.RBX] + s.r8(CpuState.RAX) & i.addressMask;
    s.r8(CpuState.RAX, c.memory.load8(i.segment, offset));
  }

  /** CBW, CWDE, CDQE: the lower half of rAX sign-extended into the whole. */
  private static void cbw(Cpu c, Instruction i) {
    int shift = 64 - 4 * i.size;
    c.state.r(CpuState.RAX, i.size, c.state.gpr[CpuState.RAX] << shift >> shift);
  }

  /** CWD, CDQ, CQO: the sign of rAX all over rDX. */
  private static void cwd(Cpu c, Instruction i) {
    int shift = Arithmetic.shift(i.size);
    c.state.r(CpuState.RDX, i.size, c.state.gpr[CpuState.RAX] << shift >> 63);
  }

  private static void rdrand(Cpu c, Instruction i, long value) {
    c.state.r(i.destination, i.size, value);
    Flags.status(c.state, Flags.CF);
  }
}
