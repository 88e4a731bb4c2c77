package sharevm.translator;

/**
 * A place in translated code that leaves it.
 *
 * @param kind why
 * @param block the block, or null for what belongs to none
 * @param modeKey the mode that code is in there
 * @param index the instruction that is next, or that could not be done
 * @param target RIP to go on at
 * @param patch position behind the jump that leads here and may be made to lead to a block, or -1
 * @param size bytes of a memory access; of a chained jump what was given back to the budget just
 *     before it
 * @param write whether the access writes
 */
record ExitSite(
    Kind kind,
    TranslatedBlock block,
    int modeKey,
    int index,
    long target,
    int patch,
    int size,
    boolean write) {
  /** Why translated code is left. */
  enum Kind {
    /** A jump whose target is not in the jump cache; RIP is in the context. */
    LOOKUP("unknown targets"),
    /** A jump to a known place in the same page, not yet chained. */
    CHAIN("jumps not chained"),
    /**
     * The attention word or the budget wants something; no instruction of the block has been
     * executed.
     */
    ENTRY("attention or budget"),
    /** The TLB has no translation for an access. */
    MISS("TLB misses"),
    /** The same for a window of several accesses. */
    WINDOW_MISS("TLB misses of windows"),
    /** A window that cannot be had: the rest of the block is to be done access by access. */
    PLAIN("windows across pages"),
    /**
     * A load whose page is to be in a mirror; the patch is where it begins, the target is where it
     * would begin without mirrors, and the place behind the call that asks, in its high half.
     */
    MIRROR("pages for mirrors"),
    /** An instruction that Java executes, to go on behind it when nothing unusual came of it. */
    CALL("instructions called"),
    /** An instruction that Java executes. */
    INSTRUCTION("instructions"),
    /** The block is no longer what guest memory holds. */
    INVALID("changed code");

    private final String cause;

    Kind(String cause) {
      this.cause = cause;
    }

    /** Returns the cause in words, in the plural. */
    String cause() {
      return cause;
    }
  }
}
