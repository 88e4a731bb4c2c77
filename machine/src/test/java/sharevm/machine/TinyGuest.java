package sharevm.machine;

import java.io.ByteArrayOutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.function.IntConsumer;
import sharevm.machine.firmware.GuestFile;
import sharevm.machine.firmware.LinuxBoot;

/** A kernel of a few bytes of 32-bit code, loaded by Multiboot at 1 MiB, and a host for it. */
final class TinyGuest {
  static final long MEMORY = 16L << 20;
  static final int ENTRY = 0x100020;

  private TinyGuest() {}

  /** A kernel whose code begins at {@link #ENTRY}. */
  static byte[] kernel(int... code) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    int flags = 1 << 16;
    words(out, 0x1BADB002, flags, -(0x1BADB002 + flags), 0x100000, 0x100000, 0, 0, ENTRY);
    for (int value : code) {
      out.write(value);
    }
    for (int i = 0; i < 32; i++) {
      out.write(0x90);
    }
    return out.toByteArray();
  }

  static MachineSpec spec(int... code) {
    GuestFile file = GuestFile.of("tiny", kernel(code));
    return MachineSpec.of(MEMORY)
        .withBoot(LinuxBoot.of(file, Optional.empty(), ""))
        .withDebugExit(true);
  }

  static HostSide host(MachineSpec spec, IntConsumer console) {
    MemorySegment memory = Arena.ofAuto().allocate(spec.segmentBytes(), 4096);
    return HostSide.of("tiny", memory, _ -> true).withDebugConsole(console);
  }

  static Machine machine(int... code) {
    MachineSpec spec = spec(code);
    return MachineBuilder.build(spec, host(spec, _ -> {}), MachineListener.NONE);
  }

  private static void words(ByteArrayOutputStream out, int... values) {
    for (int value : values) {
      for (int i = 0; i < 4; i++) {
        out.write(value >>> 8 * i);
      }
    }
  }
}
