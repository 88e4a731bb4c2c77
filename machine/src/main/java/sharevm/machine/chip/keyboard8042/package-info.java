/**
 * The keyboard controller of the PC/AT and PS/2, as in [PS2], IBM, "Personal System/2 Hardware
 * Interface Technical Reference", 1991, "Keyboard and Auxiliary Device Controller", with the
 * simplest keyboard.
 */
package sharevm.machine.chip.keyboard8042;
