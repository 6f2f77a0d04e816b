/* features.h: finding and turning on what the processor can do. */
#ifndef BATON_CPU_FEATURES_H
#define BATON_CPU_FEATURES_H

/* Fills cpu_features (cpu.h); once, on the boot CPU. NX is demanded by kernel/start/. */
void cpu_features_find(void);
/* Sets this CPU's CR0 and CR4: WP, SMEP, SMAP, UMIP, global pages, SSE, XSAVE. The kernel's own
   tables are loaded. */
void cpu_features_enable(void);

#endif
