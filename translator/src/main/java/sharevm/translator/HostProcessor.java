package sharevm.translator;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import sharevm.host.ExecutableMemory;
import sharevm.host.HostException;
import sharevm.translator.Assembler.Code;

/** Whether the host's processor has every instruction that translations are copied from. */
final class HostProcessor {
  /** Bits of CPUID.01H:ECX (Intel SDM Vol. 2A CPUID, table 3-10). */
  private static final Map<String, Integer> WANTED = new LinkedHashMap<>();

  static {
    WANTED.put("SSE3", 0);
    WANTED.put("PCLMULQDQ", 1);
    WANTED.put("SSSE3", 9);
    WANTED.put("CMPXCHG16B", 13);
    WANTED.put("SSE4.1", 19);
    WANTED.put("SSE4.2", 20);
    WANTED.put("MOVBE", 22);
    WANTED.put("POPCNT", 23);
    WANTED.put("AES", 25);
  }

  private HostProcessor() {}

  /**
   * Returns what the host's processor lacks, or nothing when it will do.
   *
   * @throws HostException when the host lets no code be made
   */
  static Optional<String> lacks() throws HostException {
    int features = features();
    return WANTED.entrySet().stream()
        .filter(feature -> (features & 1 << feature.getValue()) == 0)
        .map(Map.Entry::getKey)
        .findFirst();
  }

  private static int features() throws HostException {
    Assembler a = new Assembler();
    a.inOpcode(Code.of(0x50), Assembler.RBX);
    a.constant(Assembler.RAX, 1);
    a.constant(Assembler.RCX, 0);
    a.byte1(0x0f);
    a.byte1(0xa2);
    a.registers(Code.of(0x89), Assembler.RCX, Assembler.RAX);
    a.inOpcode(Code.of(0x58), Assembler.RBX);
    a.byte1(0xc3);
    try (ExecutableMemory memory = ExecutableMemory.allocate(4096)) {
      byte[] code = a.bytes();
      MemorySegment.copy(code, 0, memory.writable(), ValueLayout.JAVA_BYTE, 0, code.length);
      return (int) memory.call(0, 0, 0);
    }
  }
}
