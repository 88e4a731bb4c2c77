package sharevm.machine;

import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.machine.firmware.EntryState;

/**
 * Puts a processor into the state in which a loader wants the guest's first instruction executed.
 */
final class EntryWriter {
  private EntryWriter() {}

  /** Writes into a processor that is as after power-up; what is not named stays. */
  static void apply(EntryState entry, Cpu cpu) {
    CpuState s = cpu.state;
    EntryState.Registers r = entry.registers();
    s.gpr[CpuState.RAX] = r.rax();
    s.gpr[CpuState.RCX] = r.rcx();
    s.gpr[CpuState.RDX] = r.rdx();
    s.gpr[CpuState.RBX] = r.rbx();
    s.gpr[CpuState.RSP] = r.rsp();
    s.gpr[CpuState.RBP] = r.rbp();
    s.gpr[CpuState.RSI] = r.rsi();
    s.gpr[CpuState.RDI] = r.rdi();
    s.rip = entry.rip();
    s.rflags(entry.rflags());
    s.cr0 = entry.cr0();
    s.cr3 = entry.cr3();
    s.cr4 = entry.cr4();
    s.efer = entry.efer();
    s.gdtBase = entry.gdtr().base();
    s.gdtLimit = entry.gdtr().limit();
    s.idtBase = entry.idtr().base();
    s.idtLimit = entry.idtr().limit();
    segment(s, CpuState.CS, entry.code());
    segment(s, CpuState.TR, entry.task());
    for (int n : new int[] {CpuState.DS, CpuState.ES, CpuState.FS, CpuState.GS, CpuState.SS}) {
      segment(s, n, entry.data());
    }
    s.cpl = 0;
    s.halted = false;
    s.waitForStartup = false;
    cpu.contextChanged();
    cpu.flushTranslations(true);
  }

  private static void segment(CpuState s, int n, EntryState.Segment segment) {
    s.selector[n] = segment.selector();
    s.segmentBase[n] = segment.base();
    s.segmentLimit[n] = (int) segment.limit();
    s.segmentAttributes[n] = segment.attributes();
  }
}
