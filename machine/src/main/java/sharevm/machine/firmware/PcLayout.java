package sharevm.machine.firmware;

/**
 * Where the fixed parts of this PC answer: what {@code MachineBuilder} wires and the tables tell.
 */
public final class PcLayout {
  /** The first serial port. */
  public static final int COM1 = 0x3F8;

  /** Interrupt of the first serial port. */
  public static final int COM1_IRQ = 4;

  /** PM1a event registers: status and enable, 2 bytes each ([ACPI] 4.8.3.1). */
  public static final int PM1_EVENT = 0x600;

  /** PM1a control register, 2 bytes ([ACPI] 4.8.3.2). */
  public static final int PM1_CONTROL = 0x604;

  /** PM timer, 4 bytes ([ACPI] 4.8.3.3). */
  public static final int PM_TIMER = 0x608;

  /** PCI configuration mechanism #1: address and data, 8 bytes. */
  public static final int PCI = 0xCF8;

  /** System management bus, 16 ports. */
  public static final int SMBUS = 0x700;

  /** The reset control register of PC chipsets. */
  public static final int RESET = 0xCF9;

  /** What resets the machine when written to {@link #RESET}: system reset and the change to it. */
  public static final int RESET_VALUE = 0x06;

  /** The sleep type of S5, soft off. */
  public static final int SLEEP_TYPE_OFF = 5;

  /** System control interrupt. */
  public static final int SCI = 9;

  /** I/O APIC registers. */
  public static final long IOAPIC = 0xFEC0_0000L;

  /** Local APIC registers after reset. */
  public static final long LOCAL_APIC = 0xFEE0_0000L;

  /** First global interrupt of the four that PCI interrupt pins share. */
  public static final int PCI_INTERRUPTS = 16;

  /** First address that PCI devices may be given in memory space. */
  public static final long PCI_MEMORY = 0xC000_0000L;

  /** Last address that PCI devices may be given in memory space. */
  public static final long PCI_MEMORY_LAST = 0xFEBF_FFFFL;

  /** CMOS register with the century. */
  public static final int CENTURY = 0x32;

  private PcLayout() {}
}
