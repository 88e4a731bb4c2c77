package sharevm.lab.segmented;

/**
 * Where everything is in a guest's linear memory; where there is no paging, in its RAM as well.
 * Gaps keep what is a little beside its place from doing harm.
 */
final class Layout {
  /**
   * Handlers that halt, one byte for each vector. Below is the interrupt vector table, or what flat
   * segments reach when 16-bit addresses wrap.
   */
  static final int HANDLERS = 0x1000;

  static final int IDT = 0x1800;
  static final int GDT = 0x2000;
  static final int TSS = 0x2400;

  /** The top of the stack that user code's exceptions go to. */
  static final int KERNEL_STACK = 0x3f00;

  /** Data that flat segments reach with 16-bit addresses. */
  static final int SCRATCH = 0x8000;

  static final int CODE = 0x1_0000;
  static final int CODE_END = 0x2_8000;
  static final int STACK = 0x3_0000;
  static final int STACK_END = 0x4_8000;
  static final int DATA = 0x5_0000;
  static final int DATA_END = 0xa_0000;

  /** Page tables, in RAM alone: RAM from 1 MiB on is what processors may walk by themselves. */
  static final int TABLES = 0x10_0000;

  static final int TABLES_END = 0x11_0000;

  /** More frames for pages of data, in RAM alone. */
  static final int MORE_FRAMES = TABLES_END;

  static final int RAM_SIZE = 0x13_0000;

  private Layout() {}
}
