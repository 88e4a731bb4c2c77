package sharevm.cpu.instruction;

import sharevm.cpu.Control;
import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.Operation;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.event.GuestFault;

/**
 * HLT, MONITOR and MWAIT, cache and translation control, fences and hints, XGETBV and XSETBV, and
 * the opcodes that are undefined by definition (Intel SDM Vol. 2).
 */
final class ProcessorControl {
  private static final Operation NOTHING = (cpu, i) -> {};

  private static final long XCR0_X87 = 1;
  private static final long XCR0_SSE = 1 << 1;

  /** ECX[0] of MWAIT (Intel SDM Vol. 2B MWAIT table 4-10). */
  private static final long MASKED_INTERRUPTS_TOO = 1;

  private ProcessorControl() {}

  static void bind(Semantics s) {
    s.put("HLT", (cpu, i) -> halt(cpu.state, false));
    s.put("MONITOR", ProcessorControl::monitor);
    s.put("MWAIT", ProcessorControl::mwait);
    s.put("INVD", NOTHING);
    s.put("WBINVD", NOTHING);
    s.put("INVLPG", ProcessorControl::invlpg);
    s.put("INVPCID", ProcessorControl::invpcid);
    s.put("XGETBV", ProcessorControl::xgetbv);
    s.put("XSETBV", ProcessorControl::xsetbv);
    s.put("CLFLUSH", ProcessorControl::touch);
    s.put("CLFLUSHOPT", ProcessorControl::touch);
    s.put("CLWB", ProcessorControl::touch);
    for (String hint : new String[] {"LFENCE", "MFENCE", "SFENCE", "PREFETCH", "PAUSE", "HINT"}) {
      s.put(hint, NOTHING);
    }
    for (String name : new String[] {"UD0", "UD1", "UD2"}) {
      s.put(
          name,
          (cpu, i) -> {
            throw GuestFault.undefined();
          });
    }
  }

  private static void halt(CpuState s, boolean watching) {
    s.halted = true;
    s.watching = watching;
  }

  private static void monitor(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    long extensions = checkMonitor(s);
    if (extensions != 0) {
      throw GuestFault.generalProtection();
    }
    long offset = s.gpr[CpuState.RAX] & i.addressMask;
    cpu.memory.load8(i.segment, offset);
    long place = cpu.memory.direct(cpu.memory.linear(i.segment, offset, 1, false), false);
    if (place >= 0) {
      cpu.monitor.arm(place);
    } else {
      cpu.monitor.disarm();
    }
  }

  /**
   * The extension that lets masked interrupts end the wait needs nothing: here they always do, as
   * any event may.
   */
  private static void mwait(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    long extensions = checkMonitor(s);
    if ((extensions & ~MASKED_INTERRUPTS_TOO) != 0) {
      throw GuestFault.generalProtection();
    }
    if (cpu.monitor.mayWait()) {
      halt(s, true);
    }
    cpu.monitor.disarm();
  }

  /** Returns the extensions that are asked for: RCX, or ECX outside 64-bit mode. */
  private static long checkMonitor(CpuState s) {
    if (!s.msr.monitorEnabled() || s.cpl != 0) {
      throw GuestFault.undefined();
    }
    return s.code64 ? s.gpr[CpuState.RCX] : s.gpr[CpuState.RCX] & 0xffff_ffffL;
  }

  private static void invlpg(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    cpu.flushPage(s.segmentBase[i.segment] + i.address(s) & s.linearMask);
  }

  /**
   * Translations carry no PCID here, so every kind but the single address drops at least all that
   * it should.
   */
  private static void invpcid(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    long type = s.r(i.destination, s.code64 ? 8 : 4);
    long pcid = cpu.memory.load64(i.segment, i.address(s));
    long address = cpu.memory.load64(i.segment, i.address(s) + 8 & i.addressMask);
    boolean pcids = (s.cr4 & Control.CR4_PCIDE) != 0;
    boolean one = type == 0 || type == 1;
    if (Long.compareUnsigned(type, 3) > 0
        || one && ((pcid & ~0xfffL) != 0 || !pcids && pcid != 0)) {
      throw GuestFault.generalProtection();
    }
    if (type == 0) {
      DescriptorTables.checkCanonical(address);
      cpu.flushPage(address);
    } else {
      cpu.flushTranslations(type == 2);
    }
  }

  private static void xgetbv(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    checkXsave(s);
    if (s.r32(CpuState.RCX) != 0) {
      throw GuestFault.generalProtection();
    }
    s.r32(CpuState.RAX, (int) s.xcr0);
    s.r32(CpuState.RDX, (int) (s.xcr0 >>> 32));
  }

  private static void xsetbv(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    checkXsave(s);
    long value = s.gpr[CpuState.RAX] & 0xffff_ffffL | s.gpr[CpuState.RDX] << 32;
    boolean known = (value & ~(XCR0_X87 | XCR0_SSE)) == 0 && (value & XCR0_X87) != 0;
    if (s.cpl != 0 || s.r32(CpuState.RCX) != 0 || !known) {
      throw GuestFault.generalProtection();
    }
    s.xcr0 = value;
  }

  private static void checkXsave(CpuState s) {
    if ((s.cr4 & Control.CR4_OSXSAVE) == 0) {
      throw GuestFault.undefined();
    }
  }

  /** CLFLUSH and its like are ordered and checked as a load of the byte. */
  private static void touch(Cpu cpu, Instruction i) {
    cpu.memory.probeRead(i.segment, i.address(cpu.state), 1);
  }
}
