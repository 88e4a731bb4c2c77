package sharevm.cpu.real;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** One record of {@code host_fpu.c}: an FXSAVE image, an instruction, memory, RAX and RFLAGS. */
final class FpuCase {
  static final int SIZE = 688;
  private static final int MEMORY = 512;
  private static final int CODE = 640;
  private static final int CODE_LENGTH = 656;
  private static final int RAX = 664;
  private static final int RFLAGS = 672;
  private static final int SIGNAL = 680;
  private static final int STATUS_WORD = 2;
  private static final int TAGS = 4;
  private static final int MXCSR = 24;
  private static final int REGISTERS = 32;
  private static final int XMM = 160;

  final ByteBuffer bytes;

  FpuCase() {
    this(ByteBuffer.allocate(SIZE).order(ByteOrder.LITTLE_ENDIAN));
    control(0x37f).mxcsr(0x1f80).rflags(0x202);
  }

  FpuCase(ByteBuffer bytes) {
    this.bytes = bytes;
  }

  FpuCase code(int... code) {
    for (int i = 0; i < code.length; i++) {
      bytes.put(CODE + i, (byte) code[i]);
    }
    bytes.putLong(CODE_LENGTH, code.length);
    return this;
  }

  FpuCase control(int word) {
    bytes.putShort(0, (short) word);
    return this;
  }

  FpuCase status(int word) {
    bytes.putShort(STATUS_WORD, (short) word);
    return this;
  }

  /** One bit for each physical register that is not empty. */
  FpuCase tags(int valid) {
    bytes.put(TAGS, (byte) valid);
    return this;
  }

  /** ST(i): the image has registers in stack order. */
  FpuCase st(int i, int signExponent, long significand) {
    bytes.putLong(REGISTERS + 16 * i, significand);
    bytes.putShort(REGISTERS + 16 * i + 8, (short) signExponent);
    return this;
  }

  FpuCase mxcsr(int value) {
    bytes.putInt(MXCSR, value);
    return this;
  }

  FpuCase xmm(int i, long low, long high) {
    bytes.putLong(XMM + 16 * i, low).putLong(XMM + 16 * i + 8, high);
    return this;
  }

  FpuCase rax(long value) {
    bytes.putLong(RAX, value);
    return this;
  }

  FpuCase rflags(long value) {
    bytes.putLong(RFLAGS, value);
    return this;
  }

  FpuCase memory(int offset, long value) {
    bytes.putLong(MEMORY + offset, value);
    return this;
  }

  int control() {
    return bytes.getShort(0) & 0xffff;
  }

  int status() {
    return bytes.getShort(STATUS_WORD) & 0xffff;
  }

  int tags() {
    return bytes.get(TAGS) & 0xff;
  }

  int signExponent(int i) {
    return bytes.getShort(REGISTERS + 16 * i + 8) & 0xffff;
  }

  long significand(int i) {
    return bytes.getLong(REGISTERS + 16 * i);
  }

  int mxcsr() {
    return bytes.getInt(MXCSR);
  }

  long xmmLow(int i) {
    return bytes.getLong(XMM + 16 * i);
  }

  long xmmHigh(int i) {
    return bytes.getLong(XMM + 16 * i + 8);
  }

  long rax() {
    return bytes.getLong(RAX);
  }

  int flags() {
    return (int) bytes.getLong(RFLAGS);
  }

  long memory(int offset) {
    return bytes.getLong(MEMORY + offset);
  }

  FpuCase signal(long number) {
    bytes.putLong(SIGNAL, number);
    return this;
  }

  boolean signaled() {
    return bytes.getLong(SIGNAL) != 0;
  }
}
