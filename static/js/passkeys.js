// Shows what needs passkeys where the browser has them, and says when one failed.
document.addEventListener('DOMContentLoaded', () => {
  if (!window.PublicKeyCredential) return
  for (const part of document.querySelectorAll('[data-needs-passkeys]')) {
    part.hidden = false
  }
})

document.addEventListener('allauth.error', (event) => {
  const problem = document.getElementById('passkey-problem')
  if (!problem) return
  event.preventDefault()
  problem.hidden = false
})
