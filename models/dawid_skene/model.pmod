// Annotators of unknown skill (Dawid and Skene): what each item is, and who mistakes what for what.
model dawid_skene
data vote {
  item   : label
  worker : label
  answer : label of class
}
param   prior                    : simplex over class
param   confusion[worker, class] ~ Dirichlet(2) over class // row: the truth; entries: what the worker answers
latent  truth[item]              ~ Categorical(prior)
observe answer[vote]             ~ Categorical(confusion[worker, truth])
