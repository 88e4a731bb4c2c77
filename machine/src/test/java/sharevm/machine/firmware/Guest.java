package sharevm.machine.firmware;

import java.lang.foreign.MemorySegment;
import java.util.Optional;
import sharevm.machine.bus.PageSupply;

/** Memory and little kernels for the loaders' tests. */
final class Guest {
  static final int MIB = 1 << 20;

  final PhysicalMemory memory;
  final MemoryMap map;

  Guest(int mebibytes) {
    memory =
        new PhysicalMemory(
            MemorySegment.ofArray(new byte[mebibytes * MIB]),
            (long) mebibytes * MIB,
            0,
            PageSupply.ON_TOUCH);
    map = MemoryMap.of(memory);
  }

  static LinuxBoot boot(byte[] kernel, byte[] initrd, String commandLine) {
    Optional<GuestFile> second =
        initrd == null ? Optional.empty() : Optional.of(GuestFile.of("initrd", initrd));
    return LinuxBoot.of(GuestFile.of("vmlinuz", kernel), second, commandLine);
  }

  /** A bzImage of protocol 2.15 whose protected-mode part is {@code body}. */
  static byte[] bzImage(int protocol, byte[] body) {
    byte[] image = new byte[3 * 512 + body.length];
    put(image, 0x1F1, 2, 1);
    put(image, 0x1FE, 0xAA55, 2);
    put(image, 0x200, 0x6EEB, 2);
    put(image, 0x202, 0x53726448, 4);
    put(image, 0x206, protocol, 2);
    put(image, 0x211, 1, 1);
    put(image, 0x214, 0x100000, 4);
    put(image, 0x22C, 0x7FFFFFFF, 4);
    put(image, 0x230, 0x200000, 4);
    put(image, 0x234, 1, 1);
    put(image, 0x236, 1, 2);
    put(image, 0x238, 2047, 4);
    put(image, 0x258, 0x1000000, 8);
    put(image, 0x260, 0x400000, 4);
    System.arraycopy(body, 0, image, 3 * 512, body.length);
    return image;
  }

  /** An ELF file with one segment of four bytes at {@code address} and a page of bss. */
  static byte[] elf(boolean wide, int machine, long address) {
    byte[] file = new byte[0x204];
    put(file, 0, 0x464C457F, 4);
    put(file, 4, wide ? 2 : 1, 1);
    put(file, 5, 1, 1);
    put(file, 16, 2, 2);
    put(file, 18, machine, 2);
    put(file, 24, address, wide ? 8 : 4);
    put(file, wide ? 32 : 28, 0x40, 4);
    put(file, wide ? 54 : 42, wide ? 56 : 32, 2);
    put(file, wide ? 56 : 44, 1, 2);
    put(file, 0x40, 1, 4);
    if (wide) {
      put(file, 0x48, 0x200, 8);
      put(file, 0x50, address, 8);
      put(file, 0x58, address, 8);
      put(file, 0x60, 4, 8);
      put(file, 0x68, 0x1000, 8);
    } else {
      put(file, 0x44, 0x200, 4);
      put(file, 0x48, address, 4);
      put(file, 0x4C, address, 4);
      put(file, 0x50, 4, 4);
      put(file, 0x54, 0x1000, 4);
    }
    put(file, 0x200, 0x11223344, 4);
    return file;
  }

  static void put(byte[] bytes, int at, long value, int size) {
    for (int i = 0; i < size; i++) {
      bytes[at + i] = (byte) (value >>> 8 * i);
    }
  }
}
