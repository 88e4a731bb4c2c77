package sharevm.machine.chip.apic;

/**
 * Registers and bits in the manual's words. A register's number is its xAPIC offset divided by 16,
 * and its x2APIC MSR less 800h. @ref [SDM3] Table 11-1, Table 11-6
 */
final class Bits {
  /** Local APIC ID Register. @ref [SDM3] 11.4.6 */
  static final int ID = 0x02;

  /** Local APIC Version Register. @ref [SDM3] 11.4.8 */
  static final int VERSION = 0x03;

  /** Task Priority Register (TPR). @ref [SDM3] 11.8.3.1 */
  static final int TASK_PRIORITY = 0x08;

  /** Arbitration Priority Register (APR), xAPIC only; unused since the Pentium 4. */
  static final int ARBITRATION_PRIORITY = 0x09;

  /** Processor Priority Register (PPR). @ref [SDM3] 11.8.3.1 */
  static final int PROCESSOR_PRIORITY = 0x0A;

  /** EOI Register. @ref [SDM3] 11.8.5 */
  static final int EOI = 0x0B;

  /** Remote Read Register (RRD), xAPIC only; unused since the Pentium 4. */
  static final int REMOTE_READ = 0x0C;

  /** Logical Destination Register (LDR). @ref [SDM3] 11.6.2.2 */
  static final int LOGICAL_DESTINATION = 0x0D;

  /** Destination Format Register (DFR), xAPIC only. @ref [SDM3] 11.6.2.2 */
  static final int DESTINATION_FORMAT = 0x0E;

  /** Spurious Interrupt Vector Register (SVR). @ref [SDM3] 11.9 */
  static final int SPURIOUS = 0x0F;

  /** In-Service Register (ISR), eight registers. @ref [SDM3] 11.8.4 */
  static final int IN_SERVICE = 0x10;

  /** Trigger Mode Register (TMR), eight registers. @ref [SDM3] 11.8.4 */
  static final int TRIGGER_MODE = 0x18;

  /** Interrupt Request Register (IRR), eight registers. @ref [SDM3] 11.8.4 */
  static final int REQUEST = 0x20;

  /** Error Status Register (ESR). @ref [SDM3] 11.5.3 */
  static final int ERROR_STATUS = 0x28;

  /** Interrupt Command Register (ICR), bits 0 to 31. @ref [SDM3] 11.6.1 */
  static final int COMMAND = 0x30;

  /** Interrupt Command Register (ICR), bits 32 to 63, xAPIC only. */
  static final int COMMAND_HIGH = 0x31;

  /** LVT Timer Register. @ref [SDM3] 11.5.1 */
  static final int LVT_TIMER = 0x32;

  /** LVT LINT0 Register, the fourth of the local vector table. */
  static final int LVT_LINT0 = 0x35;

  /** LVT LINT1 Register. */
  static final int LVT_LINT1 = 0x36;

  /** LVT Error Register, the last. */
  static final int LVT_ERROR = 0x37;

  /** Initial Count Register (for Timer). @ref [SDM3] 11.5.4 */
  static final int INITIAL_COUNT = 0x38;

  /** Current Count Register (for Timer). */
  static final int CURRENT_COUNT = 0x39;

  /** Divide Configuration Register (for Timer). */
  static final int DIVIDE = 0x3E;

  /** SELF IPI, x2APIC only. @ref [SDM3] 11.12.11 */
  static final int SELF_IPI = 0x3F;

  /** Version 14h, an integrated APIC; Max LVT Entry 5. */
  static final int VERSION_VALUE = 0x0005_0014;

  /** SVR: APIC Software Enable. */
  static final int SVR_ENABLE = 1 << 8;

  /** SVR: the vector, enable and focus bits. */
  static final int SVR_WRITABLE = 0x3FF;

  /** LVT: vector. */
  static final int LVT_VECTOR = 0xFF;

  /** LVT: delivery mode, bits 8 to 10. */
  static final int LVT_MODE_SHIFT = 8;

  /** LVT: Remote IRR flag, read only. */
  static final int LVT_REMOTE_REQUEST = 1 << 14;

  /** LVT: trigger mode, level if set. */
  static final int LVT_LEVEL = 1 << 15;

  /** LVT: mask. */
  static final int LVT_MASKED = 1 << 16;

  /** LVT Timer: mode, bits 17 and 18. */
  static final int LVT_TIMER_MODE_SHIFT = 17;

  /**
   * What can be written in the LVT registers, from the timer on: timer, thermal, performance,
   * LINT0, LINT1, error.
   */
  static final int[] LVT_WRITABLE = {
    0x0007_00FF, 0x0001_07FF, 0x0001_07FF, 0x0001_A7FF, 0x0001_A7FF, 0x0001_00FF
  };

  /** ICR: what can be written of the low half; delivery status is always idle. */
  static final int ICR_WRITABLE = 0x000C_CFFF;

  /** ICR: destination mode, logical if set. */
  static final int ICR_LOGICAL = 1 << 11;

  /** ICR: level, assert if set. */
  static final int ICR_ASSERT = 1 << 14;

  /** ICR: trigger mode, level if set. */
  static final int ICR_LEVEL = 1 << 15;

  /** ICR: destination shorthand, bits 18 and 19: none, self, all, all but self. */
  static final int ICR_SHORTHAND_SHIFT = 18;

  /** ESR: Send Illegal Vector. */
  static final int ERROR_SEND_VECTOR = 1 << 5;

  /** ESR: Receive Illegal Vector. */
  static final int ERROR_RECEIVE_VECTOR = 1 << 6;

  /** ESR: Illegal Register Address. */
  static final int ERROR_REGISTER = 1 << 7;

  /** Vectors below this one are illegal. @ref [SDM3] 11.5.2 */
  static final int FIRST_VECTOR = 16;

  /** IA32_APIC_BASE MSR. @ref [SDM3] 11.4.4 */
  static final int MSR_BASE = 0x1B;

  /** IA32_TSC_DEADLINE MSR. @ref [SDM3] 11.5.4.1 */
  static final int MSR_TSC_DEADLINE = 0x6E0;

  /** The first x2APIC MSR. @ref [SDM3] 11.12.1.2 */
  static final int MSR_X2APIC = 0x800;

  /** IA32_APIC_BASE: this is the bootstrap processor (BSP). */
  static final int BASE_BOOTSTRAP = 1 << 8;

  /** IA32_APIC_BASE: enable x2APIC mode (EXTD). @ref [SDM3] 11.12.1 */
  static final int BASE_X2APIC = 1 << 10;

  /** IA32_APIC_BASE: APIC global enable (EN). */
  static final int BASE_ENABLE = 1 << 11;

  /** IA32_APIC_BASE: the page, up to the widest physical address that there is. */
  static final long BASE_PAGE = 0x000F_FFFF_FFFF_F000L;

  /** Where the registers are after reset. @ref [SDM3] 11.4.1 */
  static final long DEFAULT_PAGE = 0xFEE0_0000L;

  private Bits() {}
}
