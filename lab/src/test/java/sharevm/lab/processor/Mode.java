package sharevm.lab.processor;

/** A processor mode that a user program of a 64-bit system can be in. */
enum Mode {
  /** 64-bit mode, through Linux's code selector 33h. */
  LONG(64, 0x33),
  /** Compatibility mode with 32-bit defaults, through Linux's code selector 23h. */
  COMPATIBILITY(32, 0x23);

  /** Width of a general register. */
  final int bits;

  /** The code segment's selector. */
  final int codeSelector;

  Mode(int bits, int codeSelector) {
    this.bits = bits;
    this.codeSelector = codeSelector;
  }

  /** Returns how many general registers and XMM registers there are. */
  int registers() {
    return this == LONG ? 16 : 8;
  }

  /** Returns the bits of a general register that exist. */
  long mask() {
    return this == LONG ? -1L : 0xffff_ffffL;
  }
}
