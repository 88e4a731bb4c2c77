package sharevm.cpu;

import java.util.OptionalLong;

/**
 * What a guest sees of the hypervisor: the four doors through which it may ask for one. Called on
 * the processor's thread, between the effects of instructions; RIP points behind the asking one.
 */
public interface Hypervisor {
  /** A hypervisor that does not show itself. */
  Hypervisor NONE =
      new Hypervisor() {
        @Override
        public int[] cpuid(Cpu cpu, int leaf, int subleaf) {
          return new int[4];
        }

        @Override
        public OptionalLong rdmsr(Cpu cpu, int index) {
          return OptionalLong.empty();
        }

        @Override
        public Written wrmsr(Cpu cpu, int index, long value) {
          return Written.NOT_MINE;
        }

        @Override
        public boolean hypercall(Cpu cpu) {
          return false;
        }
      };

  /** What became of a write to an MSR. */
  enum Written {
    DONE,
    /** The MSR is the hypervisor's, the value is wrong: a general-protection fault. */
    REFUSED,
    /** The MSR is the processor's own, or nobody's. */
    NOT_MINE
  }

  /** Returns EAX, EBX, ECX and EDX of a CPUID leaf from 4000_0000H to 4FFF_FFFFH. */
  int[] cpuid(Cpu cpu, int leaf, int subleaf);

  /** Reads an MSR; empty when it is none of the hypervisor's. Asked before the processor's own. */
  OptionalLong rdmsr(Cpu cpu, int index);

  /** Writes an MSR. Asked before the processor's own. */
  Written wrmsr(Cpu cpu, int index, long value);

  /** Does what VMCALL or VMMCALL asks for; false makes the instruction undefined. */
  boolean hypercall(Cpu cpu);
}
