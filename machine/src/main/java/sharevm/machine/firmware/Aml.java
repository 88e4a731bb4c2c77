package sharevm.machine.firmware;

import java.util.List;

/**
 * Writes ACPI Machine Language ([ACPI] 20.2) term by term; each method gives the bytes of one term,
 * and terms nest as in ASL:
 *
 * <pre>
 *   device("RTC_", name("_HID", eisaId("PNP0B00")), name("_CRS", resources(io(0x70, 2), irq(8))))
 * </pre>
 */
final class Aml {
  private static final int ZERO = 0x00;
  private static final int ONE = 0x01;
  private static final int NAME = 0x08;
  private static final int BYTE = 0x0A;
  private static final int WORD = 0x0B;
  private static final int DWORD = 0x0C;
  private static final int STRING = 0x0D;
  private static final int QWORD = 0x0E;
  private static final int SCOPE = 0x10;
  private static final int BUFFER = 0x11;
  private static final int PACKAGE = 0x12;
  private static final int EXTENDED = 0x5B;
  private static final int DEVICE = 0x82;

  private static final int RESOURCE_IRQ = 0x22;
  private static final int RESOURCE_IO = 0x47;
  private static final int RESOURCE_END = 0x79;
  private static final int RESOURCE_DWORD = 0x87;
  private static final int RESOURCE_WORD = 0x88;
  private static final int DECODE_16 = 1;

  /**
   * General flags of an address space descriptor: minimum and maximum fixed, positive decode,
   * producer.
   */
  private static final int RANGE_FIXED = 0x0C;

  private static final int ENTIRE_RANGE = 3;
  private static final int READ_WRITE = 1;

  private Aml() {}

  static byte[] scope(String path, byte[]... terms) {
    return block(new Bytes().u8(SCOPE), new Bytes().bytes(path(path)), terms);
  }

  static byte[] device(String name, byte[]... terms) {
    return block(new Bytes().u8(EXTENDED).u8(DEVICE), new Bytes().bytes(path(name)), terms);
  }

  static byte[] name(String name, byte[] value) {
    return new Bytes().u8(NAME).bytes(path(name)).bytes(value).toArray();
  }

  /** An array of terms. */
  static byte[] pack(byte[]... elements) {
    return block(new Bytes().u8(PACKAGE), new Bytes().u8(elements.length), elements);
  }

  static byte[] pack(List<byte[]> elements) {
    return pack(elements.toArray(byte[][]::new));
  }

  static byte[] integer(long value) {
    if (value == 0) {
      return new byte[] {ZERO};
    }
    if (value == 1) {
      return new byte[] {ONE};
    }
    if (value > 0 && value <= 0xFF) {
      return new Bytes().u8(BYTE).u8(value).toArray();
    }
    if (value > 0 && value <= 0xFFFF) {
      return new Bytes().u8(WORD).u16(value).toArray();
    }
    if (value > 0 && value <= 0xFFFF_FFFFL) {
      return new Bytes().u8(DWORD).u32(value).toArray();
    }
    return new Bytes().u8(QWORD).u64(value).toArray();
  }

  static byte[] string(String text) {
    return new Bytes().u8(STRING).ascii(text).u8(0).toArray();
  }

  /**
   * A plug and play identifier, three letters and four hexadecimal digits, packed ([ACPI] 19.3.4).
   */
  static byte[] eisaId(String id) {
    int letters = (id.charAt(0) - '@') << 10 | (id.charAt(1) - '@') << 5 | (id.charAt(2) - '@');
    int packed = letters << 16 | Integer.parseInt(id.substring(3), 16);
    return integer(Integer.reverseBytes(packed) & 0xFFFF_FFFFL);
  }

  /** A resource template ([ACPI] 6.4): the descriptors and an end tag. */
  static byte[] resources(byte[]... descriptors) {
    Bytes content = new Bytes();
    for (byte[] descriptor : descriptors) {
      content.bytes(descriptor);
    }
    content.u8(RESOURCE_END).u8(0);
    byte[] bytes = content.toArray();
    return block(new Bytes().u8(BUFFER), new Bytes().bytes(integer(bytes.length)), bytes);
  }

  /** Fixed I/O ports, decoded in all 16 bits. */
  static byte[] io(int base, int count) {
    return new Bytes().u8(RESOURCE_IO).u8(DECODE_16).u16(base).u16(base).u8(1).u8(count).toArray();
  }

  /** An ISA interrupt: edge-triggered, active high, not shared. */
  static byte[] irq(int line) {
    return new Bytes().u8(RESOURCE_IRQ).u16(1 << line).toArray();
  }

  /** The bus numbers that a bridge passes on. */
  static byte[] busNumbers(int first, int last) {
    return wordSpace(2, 0, first, last);
  }

  /** I/O ports that a bridge passes on. */
  static byte[] portWindow(int first, int last) {
    return wordSpace(1, ENTIRE_RANGE, first, last);
  }

  /** Memory addresses that a bridge passes on: neither cacheable nor prefetchable. */
  static byte[] memoryWindow(long first, long last) {
    return new Bytes()
        .u8(RESOURCE_DWORD)
        .u16(23)
        .u8(0)
        .u8(RANGE_FIXED)
        .u8(READ_WRITE)
        .u32(0)
        .u32(first)
        .u32(last)
        .u32(0)
        .u32(last - first + 1)
        .toArray();
  }

  private static byte[] wordSpace(int type, int typeFlags, int first, int last) {
    return new Bytes()
        .u8(RESOURCE_WORD)
        .u16(13)
        .u8(type)
        .u8(RANGE_FIXED)
        .u8(typeFlags)
        .u16(0)
        .u16(first)
        .u16(last)
        .u16(0)
        .u16(last - first + 1)
        .toArray();
  }

  /** One name segment of four characters, with a root backslash or not. */
  private static byte[] path(String path) {
    Bytes bytes = new Bytes();
    String rest = path;
    if (rest.startsWith("\\")) {
      bytes.u8('\\');
      rest = rest.substring(1);
    }
    return bytes.ascii(rest).toArray();
  }

  /** A term with a package length ([ACPI] 20.2.4), which counts its own bytes. */
  private static byte[] block(Bytes opcode, Bytes head, byte[]... terms) {
    for (byte[] term : terms) {
      head.bytes(term);
    }
    int size = head.size();
    if (size + 1 < 1 << 6) {
      opcode.u8(size + 1);
    } else if (size + 2 < 1 << 12) {
      int total = size + 2;
      opcode.u8(1 << 6 | total & 15).u8(total >> 4);
    } else {
      int total = size + 3;
      opcode.u8(2 << 6 | total & 15).u8(total >> 4).u8(total >> 12);
    }
    return opcode.bytes(head.toArray()).toArray();
  }
}
