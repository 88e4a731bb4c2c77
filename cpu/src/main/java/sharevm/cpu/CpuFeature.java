package sharevm.cpu;

/**
 * Features that CPUID tells of, each with its register and bit (Intel SDM Vol. 2A CPUID, tables 3-8
 * to 3-11).
 */
public enum CpuFeature {
  FPU(Word.LEAF_1_EDX, 0),
  VME(Word.LEAF_1_EDX, 1),
  DE(Word.LEAF_1_EDX, 2),
  PSE(Word.LEAF_1_EDX, 3),
  TSC(Word.LEAF_1_EDX, 4),
  MSR(Word.LEAF_1_EDX, 5),
  PAE(Word.LEAF_1_EDX, 6),
  MCE(Word.LEAF_1_EDX, 7),
  CX8(Word.LEAF_1_EDX, 8),
  APIC(Word.LEAF_1_EDX, 9),
  SEP(Word.LEAF_1_EDX, 11),
  MTRR(Word.LEAF_1_EDX, 12),
  PGE(Word.LEAF_1_EDX, 13),
  MCA(Word.LEAF_1_EDX, 14),
  CMOV(Word.LEAF_1_EDX, 15),
  PAT(Word.LEAF_1_EDX, 16),
  PSE36(Word.LEAF_1_EDX, 17),
  CLFLUSH(Word.LEAF_1_EDX, 19),
  MMX(Word.LEAF_1_EDX, 23),
  FXSR(Word.LEAF_1_EDX, 24),
  SSE(Word.LEAF_1_EDX, 25),
  SSE2(Word.LEAF_1_EDX, 26),
  SELF_SNOOP(Word.LEAF_1_EDX, 27),

  SSE3(Word.LEAF_1_ECX, 0),
  PCLMULQDQ(Word.LEAF_1_ECX, 1),
  MONITOR(Word.LEAF_1_ECX, 3),
  SSSE3(Word.LEAF_1_ECX, 9),
  CX16(Word.LEAF_1_ECX, 13),
  PCID(Word.LEAF_1_ECX, 17),
  SSE41(Word.LEAF_1_ECX, 19),
  SSE42(Word.LEAF_1_ECX, 20),
  X2APIC(Word.LEAF_1_ECX, 21),
  MOVBE(Word.LEAF_1_ECX, 22),
  POPCNT(Word.LEAF_1_ECX, 23),
  TSC_DEADLINE(Word.LEAF_1_ECX, 24),
  AES(Word.LEAF_1_ECX, 25),
  XSAVE(Word.LEAF_1_ECX, 26),
  RDRAND(Word.LEAF_1_ECX, 30),
  HYPERVISOR(Word.LEAF_1_ECX, 31),

  FSGSBASE(Word.LEAF_7_EBX, 0),
  TSC_ADJUST(Word.LEAF_7_EBX, 1),
  SMEP(Word.LEAF_7_EBX, 7),
  ERMS(Word.LEAF_7_EBX, 9),
  INVPCID(Word.LEAF_7_EBX, 10),
  SMAP(Word.LEAF_7_EBX, 20),
  CLFLUSHOPT(Word.LEAF_7_EBX, 23),
  CLWB(Word.LEAF_7_EBX, 24),
  UMIP(Word.LEAF_7_ECX, 2),
  SPEC_CTRL(Word.LEAF_7_EDX, 26),
  STIBP(Word.LEAF_7_EDX, 27),
  ARCH_CAPABILITIES(Word.LEAF_7_EDX, 29),
  SSBD(Word.LEAF_7_EDX, 31),

  LAHF64(Word.EXTENDED_1_ECX, 0),
  PREFETCHW(Word.EXTENDED_1_ECX, 8),
  SYSCALL(Word.EXTENDED_1_EDX, 11),
  NX(Word.EXTENDED_1_EDX, 20),
  PAGE_1G(Word.EXTENDED_1_EDX, 26),
  RDTSCP(Word.EXTENDED_1_EDX, 27),
  LONG_MODE(Word.EXTENDED_1_EDX, 29),
  INVARIANT_TSC(Word.EXTENDED_7_EDX, 8),
  ARAT(Word.LEAF_6_EAX, 2);

  /** A register of a leaf. */
  enum Word {
    LEAF_1_ECX,
    LEAF_1_EDX,
    LEAF_6_EAX,
    LEAF_7_EBX,
    LEAF_7_ECX,
    LEAF_7_EDX,
    EXTENDED_1_ECX,
    EXTENDED_1_EDX,
    EXTENDED_7_EDX
  }

  final Word word;
  final int bit;

  CpuFeature(Word word, int bit) {
    this.word = word;
    this.bit = bit;
  }

  /** Returns whether it is one that CPUID.01H:ECX tells of, and a value of that has it. */
  public boolean isInLeaf1Ecx(int ecx) {
    return word == Word.LEAF_1_ECX && (ecx & 1 << bit) != 0;
  }
}
