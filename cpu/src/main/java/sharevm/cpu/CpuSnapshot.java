package sharevm.cpu;

/** Saves a processor's state as named fields and puts it back; the same whichever engine ran. */
public final class CpuSnapshot {
  private static final int GENERAL = 16;
  private static final int XMM = 16;

  private CpuSnapshot() {}

  /** Returns the state of a processor that stands between two instructions. */
  public static SavedState save(Cpu cpu) {
    CpuState s = cpu.state;
    SavedState saved = new SavedState();
    long[] general = new long[GENERAL];
    System.arraycopy(s.gpr, 0, general, 0, GENERAL);
    saved.put("general", general).put("rip", s.rip).put("rflags", s.rflags());
    saved.put("selector", longs(s.selector)).put("segmentBase", s.segmentBase);
    saved.put("segmentLimit", longs(s.segmentLimit));
    saved.put("segmentAttributes", longs(s.segmentAttributes));
    saved.put("gdtBase", s.gdtBase).put("gdtLimit", s.gdtLimit);
    saved.put("idtBase", s.idtBase).put("idtLimit", s.idtLimit);
    saved.put("cr0", s.cr0).put("cr2", s.cr2).put("cr3", s.cr3).put("cr4", s.cr4);
    saved.put("efer", s.efer).put("xcr0", s.xcr0).put("debug", s.dr).put("cpl", s.cpl);
    saved.put("interruptShadow", s.interruptShadow).put("nmiBlocked", s.nmiBlocked);
    saved.put("trapShadow", s.trapShadow).put("pendingDebug", s.pendingDebug);
    saved.put("pdptes", cpu.memory.pageWalk().pdptes());
    saved.put("halted", s.halted).put("watching", s.watching);
    saved.put("waitForStartup", s.waitForStartup);
    saved.put("xmm", xmm(s)).put("mxcsr", s.mxcsr());
    saved.put("x87", s.x87.save());
    int lasting =
        Attention.INTERRUPT | Attention.NMI | Attention.INIT | Attention.STARTUP | Attention.TRAP;
    saved.put("attention", s.attention.bits() & lasting);
    saved.put("startVector", s.attention.startVector());
    return saved.put("msr", msrs(s.msr));
  }

  /**
   * Puts a saved state into a processor that does not run.
   *
   * @throws SavedStateException if a field is missing or of another type
   */
  public static void restore(Cpu cpu, SavedState saved) {
    CpuState s = cpu.state;
    copy(saved.getLongs("general"), s.gpr, GENERAL);
    s.rip = saved.getLong("rip");
    s.rflags(saved.getLong("rflags"));
    copy(saved.getLongs("selector"), s.selector);
    copy(saved.getLongs("segmentBase"), s.segmentBase, s.segmentBase.length);
    copy(saved.getLongs("segmentLimit"), s.segmentLimit);
    copy(saved.getLongs("segmentAttributes"), s.segmentAttributes);
    s.gdtBase = saved.getLong("gdtBase");
    s.gdtLimit = saved.getInt("gdtLimit");
    s.idtBase = saved.getLong("idtBase");
    s.idtLimit = saved.getInt("idtLimit");
    s.cr0 = saved.getLong("cr0");
    s.cr2 = saved.getLong("cr2");
    s.cr3 = saved.getLong("cr3");
    s.cr4 = saved.getLong("cr4");
    s.efer = saved.getLong("efer");
    s.xcr0 = saved.getLong("xcr0");
    copy(saved.getLongs("debug"), s.dr, s.dr.length);
    s.cpl = saved.getInt("cpl") & 3;
    s.interruptShadow = saved.getBoolean("interruptShadow");
    s.trapShadow = saved.getBoolean("trapShadow");
    s.pendingDebug = saved.getLong("pendingDebug");
    long[] pdptes = new long[4];
    copy(saved.getLongs("pdptes"), pdptes, pdptes.length);
    cpu.memory.pageWalk().pdptes(pdptes);
    s.nmiBlocked = saved.getBoolean("nmiBlocked");
    s.halted = saved.getBoolean("halted");
    s.watching = saved.getBoolean("watching");
    s.waitForStartup = saved.getBoolean("waitForStartup");
    restoreXmm(s, saved.getLongs("xmm"));
    s.mxcsr(saved.getInt("mxcsr"));
    s.x87.restore(saved.getPart("x87"));
    restoreMsrs(s.msr, saved.getPart("msr"));
    cpu.contextChanged();
    cpu.flushTranslations(true);
    restoreAttention(s.attention, saved);
  }

  /** The hint that interrupts wait costs nothing; to lose one would. */
  private static void restoreAttention(Attention attention, SavedState saved) {
    attention.clear(-1);
    int bits = saved.getInt("attention");
    if ((bits & Attention.STARTUP) != 0) {
      attention.raiseStartup(saved.getInt("startVector") & 0xff);
    }
    attention.raise(bits | Attention.INTERRUPT);
  }

  private static SavedState msrs(Msrs m) {
    return new SavedState()
        .put("star", m.star)
        .put("lstar", m.lstar)
        .put("cstar", m.cstar)
        .put("sfmask", m.sfmask)
        .put("kernelGsBase", m.kernelGsBase)
        .put("tscAux", m.tscAux)
        .put("sysenterCs", m.sysenterCs)
        .put("sysenterEsp", m.sysenterEsp)
        .put("sysenterEip", m.sysenterEip)
        .put("pat", m.pat)
        .put("miscEnable", m.miscEnable)
        .put("tscOffset", m.tscOffset)
        .put("tscAdjust", m.tscAdjust)
        .put("specCtrl", m.specCtrl)
        .put("mtrrDefType", m.mtrrDefType)
        .put("mtrrFixed", m.mtrrFixed)
        .put("mtrrVariable", m.mtrrVariable);
  }

  private static void restoreMsrs(Msrs m, SavedState saved) {
    m.star = saved.getLong("star");
    m.lstar = saved.getLong("lstar");
    m.cstar = saved.getLong("cstar");
    m.sfmask = saved.getLong("sfmask");
    m.kernelGsBase = saved.getLong("kernelGsBase");
    m.tscAux = saved.getLong("tscAux");
    m.sysenterCs = saved.getLong("sysenterCs");
    m.sysenterEsp = saved.getLong("sysenterEsp");
    m.sysenterEip = saved.getLong("sysenterEip");
    m.pat = saved.getLong("pat");
    m.miscEnable = saved.getLong("miscEnable");
    m.tscOffset = saved.getLong("tscOffset");
    m.tscAdjust = saved.getLong("tscAdjust");
    m.specCtrl = saved.getLong("specCtrl");
    m.mtrrDefType = saved.getLong("mtrrDefType");
    copy(saved.getLongs("mtrrFixed"), m.mtrrFixed, m.mtrrFixed.length);
    copy(saved.getLongs("mtrrVariable"), m.mtrrVariable, m.mtrrVariable.length);
  }

  private static long[] xmm(CpuState s) {
    long[] words = new long[2 * XMM];
    for (int n = 0; n < XMM; n++) {
      words[2 * n] = s.xmmLow(n);
      words[2 * n + 1] = s.xmmHigh(n);
    }
    return words;
  }

  private static void restoreXmm(CpuState s, long[] words) {
    for (int n = 0; 2 * n + 1 < words.length && n < XMM; n++) {
      s.xmmLow(n, words[2 * n]);
      s.xmmHigh(n, words[2 * n + 1]);
    }
  }

  private static long[] longs(int[] values) {
    long[] wide = new long[values.length];
    for (int i = 0; i < values.length; i++) {
      wide[i] = values[i];
    }
    return wide;
  }

  private static void copy(long[] from, long[] to, int count) {
    System.arraycopy(from, 0, to, 0, Math.min(from.length, count));
  }

  private static void copy(long[] from, int[] to) {
    for (int i = 0; i < Math.min(from.length, to.length); i++) {
      to[i] = (int) from[i];
    }
  }
}
