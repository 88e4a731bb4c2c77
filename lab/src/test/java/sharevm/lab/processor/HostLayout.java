package sharevm.lab.processor;

/** Addresses and offsets that the native runner (runner.c) and its driver share. */
final class HostLayout {
  /** Where instructions lie: readable and executable, filled with INT3. */
  static final long CODE_ADDRESS = 0x1000_0000L;

  static final int CODE_SIZE = 0x4000;

  /** Where their operands lie: readable and writable, nothing mapped on either side. */
  static final long DATA_ADDRESS = 0x2000_0000L;

  static final int DATA_SIZE = 0x2000;

  /** Where RSP points to; nothing mapped on either side. */
  static final long STACK_ADDRESS = 0x3000_0000L;

  static final int STACK_SIZE = 0x1000;

  /** The data pages and then the stack page, as one row of bytes. */
  static final int IMAGE_SIZE = DATA_SIZE + STACK_SIZE;

  static final int HEADER_SIZE = 0x4000;
  static final int SLOT_SIZE = 4096;
  static final int OUTCOME_OFFSET = 1024;

  /** Size and fields of {@code struct state}. */
  static final int STATE_SIZE = 688;

  static final int RIP = 128;
  static final int RFLAGS = 136;
  static final int FS_BASE = 144;
  static final int GS_BASE = 152;
  static final int CS = 160;
  static final int DS = 162;
  static final int ES = 164;
  static final int SS = 166;
  static final int FS = 168;
  static final int GS = 170;
  static final int FX = 176;

  /** Bytes of an FXSAVE image that are state: header, x87 and XMM registers. */
  static final int FX_USED = 416;

  /** Fields of {@code struct input} behind its state. */
  static final int CODE_LENGTH = STATE_SIZE;

  static final int PATCH_BYTES = STATE_SIZE + 1;
  static final int CODE = STATE_SIZE + 2;
  static final int PATCHES = STATE_SIZE + 24;
  static final int PATCH_ROOM = 192;

  /** Fields of {@code struct outcome} behind its state. */
  static final int VECTOR = STATE_SIZE;

  static final int ERROR_CODE = STATE_SIZE + 4;
  static final int DIFF_BYTES = STATE_SIZE + 8;
  static final int DIFF_TRUNCATED = STATE_SIZE + 12;
  static final int CR2 = STATE_SIZE + 16;
  static final int DIFFS = STATE_SIZE + 24;

  /** Stands for "did not end" where a vector is told. */
  static final int VECTOR_HANG = 255;

  private HostLayout() {}

  /** Returns the address of a byte of the image. */
  static long addressOf(int imageOffset) {
    return imageOffset < DATA_SIZE
        ? DATA_ADDRESS + imageOffset
        : STACK_ADDRESS + imageOffset - DATA_SIZE;
  }
}
