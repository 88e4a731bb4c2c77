package sharevm.lab.processor;

/**
 * What a user program sees of a processor. Segment selectors are in the manual's order: ES, CS, SS,
 * DS, FS, GS. The x87, MMX, XMM and MXCSR state is an FXSAVE image (Intel SDM Vol. 1 10.5).
 */
final class ProcessorState {
  static final int ES = 0;
  static final int CS = 1;
  static final int SS = 2;
  static final int DS = 3;
  static final int FS = 4;
  static final int GS = 5;

  /** Offsets in the FXSAVE image. */
  static final int FX_FCW = 0;

  static final int FX_FSW = 2;
  static final int FX_FTW = 4;
  static final int FX_FOP = 6;
  static final int FX_FIP = 8;
  static final int FX_FDP = 16;
  static final int FX_MXCSR = 24;
  static final int FX_ST = 32;
  static final int FX_XMM = 160;

  final long[] gpr = new long[16];
  long rip;
  long rflags;
  long fsBase;
  long gsBase;
  final int[] selectors = new int[6];
  final byte[] fx = new byte[512];

  /** Returns a copy. */
  ProcessorState copy() {
    ProcessorState copy = new ProcessorState();
    System.arraycopy(gpr, 0, copy.gpr, 0, gpr.length);
    System.arraycopy(selectors, 0, copy.selectors, 0, selectors.length);
    System.arraycopy(fx, 0, copy.fx, 0, fx.length);
    copy.rip = rip;
    copy.rflags = rflags;
    copy.fsBase = fsBase;
    copy.gsBase = gsBase;
    return copy;
  }

  /** Returns a little-endian number of up to 8 bytes of the FXSAVE image. */
  long fx(int offset, int size) {
    long value = 0;
    for (int i = size - 1; i >= 0; i--) {
      value = value << 8 | fx[offset + i] & 0xff;
    }
    return value;
  }

  /** Sets a little-endian number of up to 8 bytes of the FXSAVE image. */
  void fx(int offset, int size, long value) {
    for (int i = 0; i < size; i++) {
      fx[offset + i] = (byte) (value >>> 8 * i);
    }
  }
}
