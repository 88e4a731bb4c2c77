package sharevm.cpu;

/** Model-specific registers that only hold a value for others to use (Intel SDM Vol. 4 2.1). */
public final class Msrs {
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
  public long miscEnable = 1;

  /** What is added to the platform's timestamp: changed by writes to IA32_TIME_STAMP_COUNTER. */
  public long tscOffset;

  public long tscAdjust;
  public long specCtrl;
  public long mtrrDefType;
  public final long[] mtrrFixed = new long[11];
  public final long[] mtrrVariable = new long[16];
}
