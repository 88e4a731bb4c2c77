package sharevm.cpu.instruction;

import sharevm.cpu.Control;
import sharevm.cpu.Cpu;
import sharevm.cpu.CpuState;
import sharevm.cpu.decode.Instruction;
import sharevm.cpu.event.GuestFault;

/**
 * CPUID, RDTSC, RDTSCP, RDPMC, VMCALL and VMMCALL, and the FSGSBASE instructions (Intel SDM Vol.
 * 2).
 */
final class Identification {
  private Identification() {}

  static void bind(Semantics s) {
    s.put("CPUID", Identification::cpuid);
    s.put("RDTSC", (cpu, i) -> timestamp(cpu));
    s.put("RDTSCP", Identification::rdtscp);
    s.put("RDPMC", Identification::rdpmc);
    s.put("VMCALL", Identification::hypercall);
    s.put("VMMCALL", Identification::hypercall);
    s.put("RDFSBASE", (cpu, i) -> readBase(cpu, i, CpuState.FS));
    s.put("RDGSBASE", (cpu, i) -> readBase(cpu, i, CpuState.GS));
    s.put("WRFSBASE", (cpu, i) -> writeBase(cpu, i, CpuState.FS));
    s.put("WRGSBASE", (cpu, i) -> writeBase(cpu, i, CpuState.GS));
  }

  private static void cpuid(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    int[] words = cpu.cpuid(s.r32(CpuState.RAX), s.r32(CpuState.RCX));
    s.r32(CpuState.RAX, words[0]);
    s.r32(CpuState.RBX, words[1]);
    s.r32(CpuState.RCX, words[2]);
    s.r32(CpuState.RDX, words[3]);
  }

  private static void timestamp(Cpu cpu) {
    CpuState s = cpu.state;
    if ((s.cr4 & Control.CR4_TSD) != 0 && s.cpl != 0) {
      throw GuestFault.generalProtection();
    }
    long value = cpu.timestamp();
    s.r32(CpuState.RAX, (int) value);
    s.r32(CpuState.RDX, (int) (value >>> 32));
  }

  private static void rdtscp(Cpu cpu, Instruction i) {
    timestamp(cpu);
    cpu.state.r32(CpuState.RCX, (int) cpu.state.msr.tscAux);
  }

  /** There are two counters, as in the P6 family, and they never count. */
  private static void rdpmc(Cpu cpu, Instruction i) {
    CpuState s = cpu.state;
    boolean allowed = (s.cr4 & Control.CR4_PCE) != 0 || s.cpl == 0;
    if (!allowed || Integer.compareUnsigned(s.r32(CpuState.RCX), 1) > 0) {
      throw GuestFault.generalProtection();
    }
    s.r32(CpuState.RAX, 0);
    s.r32(CpuState.RDX, 0);
  }

  private static void hypercall(Cpu cpu, Instruction i) {
    if (!cpu.hypervisor.hypercall(cpu)) {
      throw GuestFault.undefined();
    }
  }

  private static void checkBases(CpuState s) {
    if ((s.cr4 & Control.CR4_FSGSBASE) == 0) {
      throw GuestFault.undefined();
    }
  }

  private static void readBase(Cpu cpu, Instruction i, int segment) {
    CpuState s = cpu.state;
    checkBases(s);
    s.r(i.destination, i.size, s.segmentBase[segment]);
  }

  private static void writeBase(Cpu cpu, Instruction i, int segment) {
    CpuState s = cpu.state;
    checkBases(s);
    long value = s.r(i.destination, i.size);
    DescriptorTables.checkCanonical(value);
    s.segmentBase[segment] = value;
  }
}
