/** Says what is new to those who hear it: the same thing to the same ones is said once. */
export class Once<T> {
  private told = "";

  constructor(private readonly say: (news: T) => void) {}

  tell(news: T, hearers: unknown): void {
    const told = JSON.stringify([news, hearers]);
    if (told === this.told) return;
    this.told = told;
    this.say(news);
  }
}
