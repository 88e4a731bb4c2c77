package sharevm.lab.segmented;

/** The modes outside of flat code with paging: code size, how segments are, paging, privilege. */
enum SegmentedMode {
  REAL(16, Kind.REAL, false, false),
  /** Real-address mode with data segments that have kept a limit of 4 GiB. */
  UNREAL(16, Kind.REAL, false, false),
  VIRTUAL_8086(16, Kind.VIRTUAL, true, true),
  PROTECTED_16(16, Kind.DESCRIPTORS, false, false),
  PROTECTED_16_PAGED(16, Kind.DESCRIPTORS, true, false),
  PROTECTED_16_USER(16, Kind.DESCRIPTORS, true, true),
  PROTECTED_16_UNPAGED_USER(16, Kind.DESCRIPTORS, false, true),
  PROTECTED_32(32, Kind.DESCRIPTORS, false, false),
  PROTECTED_32_PAGED(32, Kind.DESCRIPTORS, true, false),
  PROTECTED_32_USER(32, Kind.DESCRIPTORS, true, true),
  PROTECTED_32_UNPAGED_USER(32, Kind.DESCRIPTORS, false, true),
  FLAT_UNPAGED(32, Kind.FLAT, false, false),
  FLAT_UNPAGED_USER(32, Kind.FLAT, false, true);

  /** What a segment register is loaded with. */
  enum Kind {
    /** 16 times the base, in real-address mode. */
    REAL,
    /** 16 times the base, in virtual-8086 mode. */
    VIRTUAL,
    /** Descriptors of all kinds. */
    DESCRIPTORS,
    /** Descriptors of the whole address space. */
    FLAT
  }

  /** Default size of code in bytes. */
  final int size;

  final Kind kind;

  final boolean paged;

  final boolean user;

  SegmentedMode(int bits, Kind kind, boolean paged, boolean user) {
    this.size = bits / 8;
    this.kind = kind;
    this.paged = paged;
    this.user = user;
  }

  /** Whether the base of a segment is 16 times its selector. */
  boolean realSegments() {
    return kind == Kind.REAL || kind == Kind.VIRTUAL;
  }

  boolean protectedMode() {
    return kind != Kind.REAL;
  }
}
