package sharevm.cpu.instruction;

import sharevm.cpu.Control;
import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.Segment;
import sharevm.cpu.address.Descriptors;
import sharevm.cpu.address.SegmentLoader;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.event.GuestFault;

/**
 * LGDT, LIDT, LLDT, LTR and their stores (Intel SDM Vol. 2; protection Vol. 3A 5.9; UMIP Vol. 3A
 * 2.5).
 */
final class DescriptorTables {
  private DescriptorTables() {}

  static void bind(Semantics s) {
    s.put("LGDT", (cpu, i) -> load(cpu, i, true));
    s.put("LIDT", (cpu, i) -> load(cpu, i, false));
    s.put("SGDT", (cpu, i) -> store(cpu, i, cpu.state.gdtLimit, cpu.state.gdtBase));
    s.put("SIDT", (cpu, i) -> store(cpu, i, cpu.state.idtLimit, cpu.state.idtBase));
    s.put("LLDT", DescriptorTables::lldt);
    s.put("LTR", DescriptorTables::ltr);
    s.put("SLDT", (cpu, i) -> storeSelector(cpu, i, CpuState.LDTR));
    s.put("STR", (cpu, i) -> storeSelector(cpu, i, CpuState.TR));
  }

  /** Refuses to tell user code about system registers where CR4.UMIP is set. */
  static void checkUserMode(CpuState s) {
    if (s.cpl != 0 && (s.cr4 & Control.CR4_UMIP) != 0) {
      throw GuestFault.generalProtection();
    }
  }

  private static void load(Cpu cpu, Instruction i, boolean global) {
    CpuState s = cpu.state;
    int limit = cpu.memory.load16(i);
    long at = i.address(s) + 2 & i.addressMask;
    long base;
    if (s.code64) {
      base = cpu.memory.load64(i.segment, at);
      checkCanonical(base);
    } else {
      base = cpu.memory.load32(i.segment, at) & (i.size == 2 ? 0xff_ffffL : 0xffff_ffffL);
    }
    if (global) {
      s.gdtLimit = limit;
      s.gdtBase = base;
    } else {
      s.idtLimit = limit;
      s.idtBase = base;
    }
  }

  static void checkCanonical(long address) {
    if (address << 16 >> 16 != address) {
      throw GuestFault.generalProtection();
    }
  }

  private static void store(Cpu cpu, Instruction i, int limit, long base) {
    CpuState s = cpu.state;
    checkUserMode(s);
    int size = s.code64 ? 8 : 4;
    long at = i.address(s);
    long behind = at + 2 & i.addressMask;
    cpu.memory.probeWrite(i.segment, at, 2);
    cpu.memory.probeWrite(i.segment, behind, size);
    cpu.memory.store16(i.segment, at, limit);
    cpu.memory.store(i.segment, behind, size, base);
  }

  private static void storeSelector(Cpu cpu, Instruction i, int table) {
    CpuState s = cpu.state;
    checkUserMode(s);
    if (i.memory) {
      cpu.memory.store16(i, s.selector[table]);
    } else {
      s.r(i.destination, i.size, s.selector[table]);
    }
  }

  private static int selector(Cpu cpu, Instruction i) {
    return i.memory ? cpu.memory.load16(i) : cpu.state.r16(i.destination);
  }

  private static void lldt(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    int selector = selector(cpu, i);
    if (Descriptors.isNull(selector)) {
      SegmentLoader.setNull(s, CpuState.LDTR, selector);
      return;
    }
    long descriptor = system(cpu, selector);
    if (Descriptors.type(descriptor) != Descriptors.LDT) {
      throw GuestFault.of(GuestFault.GP, selector & Descriptors.INDEX);
    }
    loadSystem(cpu, CpuState.LDTR, selector, descriptor);
  }

  private static void ltr(Cpu cpu, Instruction i) {
    int selector = selector(cpu, i);
    if (Descriptors.isNull(selector)) {
      throw GuestFault.generalProtection();
    }
    long descriptor = system(cpu, selector);
    int type = Descriptors.type(descriptor);
    boolean available =
        type == Descriptors.TSS_32 || type == Descriptors.TSS_16 && !cpu.state.longMode();
    if (!available) {
      throw GuestFault.of(GuestFault.GP, selector & Descriptors.INDEX);
    }
    loadSystem(cpu, CpuState.TR, selector, descriptor);
  }

  private static long system(Cpu cpu, int selector) {
    if ((selector & Descriptors.TABLE_INDICATOR) != 0) {
      throw GuestFault.of(GuestFault.GP, selector & Descriptors.INDEX);
    }
    return Descriptors.read(cpu, selector, GuestFault.GP, 0);
  }

  private static void loadSystem(Cpu cpu, int n, int selector, long descriptor) {
    CpuState s = cpu.state;
    if ((Descriptors.attributes(descriptor) & Segment.PRESENT) == 0) {
      throw GuestFault.of(GuestFault.NP, selector & Descriptors.INDEX);
    }
    long high = s.longMode() ? Descriptors.baseHigh(cpu, selector, GuestFault.GP, 0) : 0;
    long base = Descriptors.base(descriptor) | high;
    checkCanonical(base);
    if (n == CpuState.TR) {
      cpu.memory.changeSystemBits(Descriptors.place(s, selector, 8) + 5, 0, Descriptors.BUSY);
    }
    SegmentLoader.set(s, n, selector, descriptor);
    s.segmentBase[n] = base;
    s.segmentAttributes[n] |= n == CpuState.TR ? Descriptors.BUSY : 0;
  }
}
