# What R (EpiEstim, MASS) answers for two invented epidemics; run as Rscript make_reproduction.R.
# It writes the reproduction_*.csv of this folder.
library(EpiEstim)
options(digits = 17, warn = -1)
wave <- c(2, 0, 1, 3, 2, 4, 5, 3, 7, 9, 8, 13, 12, 17, 16, 20, 19, 23, 18, 21, 17, 14, 15, 10, 9, 11, 6, 7, 4, 5, 3, 2)
imported <- c(2, 0, 1, 1, 0, 2, 0, 0, 1, 2, 0, 0, 3, 0, 0, 1, 0, 2, 0, 0, 0, 1, 0, 0, 1, 0, 0, 2, 0, 1, 0, 0)
sparse <- c(1, 0, 0, 0, 2, 0, 0, 1, 0, 0, 0, 0, 1, 3, 0, 0, 0, 0, 2, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0)
si <- c(0, 0.15, 0.3, 0.25, 0.15, 0.1, 0.05)
T <- length(wave)
save_as <- function(x, name) {
  for (column in names(x)) if (is.numeric(x[[column]])) x[[column]] <- formatC(x[[column]], digits = 17, format = "g", width = 1)
  write.csv(x, paste0("reproduction_", name, ".csv"), row.names = FALSE, quote = FALSE)
}
plain <- function(result) {
  names(result) <- c("t_start", "t_end", "mean", "sd", "q0.025", "q0.05", "q0.25", "q0.5", "q0.75", "q0.95", "q0.975")
  result
}
save_as(data.frame(t = 1:T, wave = wave, imported = imported, sparse = sparse), "series")
week <- list(t_start = 2:(T - 6), t_end = 8:T)
cori <- function(incidence, method, ...) {
  plain(suppressMessages(estimate_R(incidence, method = method, config = make_config(c(list(...), week))))$R)
}
save_as(cori(wave, "non_parametric_si", si_distr = si), "wave_fixed")
save_as(cori(sparse, "non_parametric_si", si_distr = si), "sparse_fixed")
save_as(cori(data.frame(local = wave - imported, imported = imported), "non_parametric_si", si_distr = si), "wave_imported")
save_as(cori(wave, "parametric_si", mean_si = 3.4, std_si = 1.6, mean_prior = 2, std_prior = 1), "wave_gamma_prior")
# 20,000 intervals drawn, 40 numbers from the posterior of each: good to half a percent.
save_as(cori(wave, "uncertain_si", mean_si = 3.4, std_mean_si = 0.6, min_mean_si = 2, max_mean_si = 5, std_si = 1.6,
             std_std_si = 0.3, min_std_si = 0.8, max_std_si = 2.4, n1 = 20000, n2 = 40, seed = 5), "wave_uncertain")
set.seed(7)
wt <- suppressMessages(wallinga_teunis(wave, method = "non_parametric_si",
                                       config = list(si_distr = si, t_start = 1:(T - 6), t_end = 7:T, n_sim = 20000)))$R
names(wt) <- c("t_start", "t_end", "mean", "sd", "q0.025", "q0.975")
save_as(wt, "wave_wallinga_teunis")
rows <- list()
for (from in c(1, 8, 18)) {
  days <- from:(from + 13)
  data <- data.frame(t = days, y = wave[days])
  control <- glm.control(epsilon = 1e-14, maxit = 100)
  keep <- function(model, r, se, wide) {
    rows[[length(rows) + 1]] <<- data.frame(t_from = from, model = model, rate = r, low = r - wide * se, high = r + wide * se)
  }
  fit <- lm(log(y) ~ t, data[data$y > 0, ])
  keep("loglinear", coef(fit)[[2]], coef(summary(fit))[2, 2], qt(0.975, fit$df.residual))
  fit <- glm(y ~ t, poisson, data, control = control)
  keep("poisson", coef(fit)[[2]], coef(summary(fit))[2, 2], qnorm(0.975))
  fit <- glm(y ~ t, quasipoisson, data, control = control)
  keep("quasipoisson", coef(fit)[[2]], coef(summary(fit))[2, 2], qt(0.975, fit$df.residual))
}
save_as(do.call(rbind, rows), "growth")
