package sharevm.cpu;

/** Model-specific registers that only hold a value for others to use (Intel SDM Vol. 4 2.1). */
public final class Msrs {
  /** Bits of IA32_MISC_ENABLE (Intel SDM Vol. 4 table 2-2, 1A0H). */
  public static final long MISC_FAST_STRINGS = 1;

  public static final long MISC_MONITOR = 1 << 18;

  public long star;
  public long lstar;
  public long cstar;
  public long sfmask;
  public long kernelGsBase;
  public long tscAux;
  public long sysenterCs;
  public long sysenterEsp;
  public long sysenterEip;
  public long pat = 0x0007_0406_0007_0406L;

  /** IA32_MISC_ENABLE: fast strings; MONITOR is off, as firmware may leave it. */
  public long miscEnable = MISC_FAST_STRINGS;

  /** What is added to the platform's timestamp: changed by writes to IA32_TIME_STAMP_COUNTER. */
  public long tscOffset;

  public long tscAdjust;
  public long specCtrl;
  public long mtrrDefType;
  public final long[] mtrrFixed = new long[11];
  public final long[] mtrrVariable = new long[16];

  /** Returns whether MONITOR and MWAIT are switched on. */
  public boolean monitorEnabled() {
    return (miscEnable & MISC_MONITOR) != 0;
  }
}
