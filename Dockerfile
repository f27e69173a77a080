# The controller as an image: compiled JavaScript with the production dependencies.
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json tsconfig.json tsconfig.build.json ./
RUN npm ci --no-audit --no-fund
COPY src src
RUN npm run build && npm prune --omit=dev

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json ./
COPY data data
COPY examples examples
ARG COMMIT=unspecified
RUN echo "$COMMIT" > commit
USER 65532:65532
# A small young generation: most of the heap lives long, and memory is worth more here than throughput.
ENTRYPOINT ["node", "--max-semi-space-size=8", "dist/main.js"]
